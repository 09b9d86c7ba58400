// One verdict, large: colour, shape and word say the same, so that any one of
// them is enough.

import { gateMillis } from "./clock.js";
import { part, say, shape } from "./dom.js";

const FRESH = 15_000; // after that it no longer looks like the visitor at hand
const ages = new WeakMap(); // block → timer

export function showVerdict(block, verdict) {
  block.dataset.outcome = verdict.outcome;
  shape(block, verdict.outcome);
  say(part(block, "word"), verdict.word);
  say(part(block, "text"), verdict.text);
  say(part(block, "holder"), verdict.holder.join(" · "));
  say(part(block, "when"), `${verdict.time} · ${verdict.took}`);
  const notes = part(block, "notes");
  notes.replaceChildren(
    ...verdict.notes.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
  notes.hidden = verdict.notes.length === 0;

  block.classList.remove("is-new", "is-old");
  clearTimeout(ages.get(block));
  const left = FRESH - (gateMillis() - verdict.millis);
  if (left <= 0) {
    block.classList.add("is-old");
    return;
  }
  ages.set(block, setTimeout(() => block.classList.add("is-old"), left));
  if (verdict.replay) return;
  void block.offsetWidth; // lets the animation start again for a second verdict of one kind
  block.classList.add("is-new");
}
