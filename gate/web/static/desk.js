// A lane's own page. The gate makes it whole, as plain forms; the script only
// fetches the part that changes when something has, and counts down. What is
// being typed is left alone.

import { gateMillis, setClock } from "./clock.js";
import { countDown } from "./countdown.js";
import { byId } from "./dom.js";
import { cut, live } from "./link.js";
import { renewed } from "./renew.js";
import { follow } from "./stream.js";

const page = document.documentElement;
const area = byId("live");
const target = `${location.pathname}/live?lang=${encodeURIComponent(page.lang)}`;
const FRESH = 15_000; // after that a verdict no longer looks like the visitor at hand

let fetching = false;
let again = false;
let shown = shape(area.innerHTML);

// shape is the part without what changes by itself.
function shape(html) {
  return html.replace(/ data-millis="\d+"/, "").replace(/(<b data-left[^>]*>)\d+/g, "$1").replace(/ is-old/g, "").trim();
}

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch(target, { cache: "no-store", credentials: "same-origin" });
    if (answer.ok) put(await answer.text());
  } catch {
    // The stream says when the gate is gone.
  }
  fetching = false;
  if (again) {
    again = false;
    refresh();
  }
}

// put replaces the part that changes, and keeps the keyboard where it was.
function put(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const next = shape(fresh.body.innerHTML); // as the browser writes it, to be like area's
  if (next === shown) return;
  shown = next;
  const held = area.contains(document.activeElement) ? document.activeElement.id : "";
  area.replaceChildren(...document.adoptNode(fresh.body).childNodes);
  if (held && held !== area.id) (byId(held) ?? area).focus();
  tick();
}

function tick() {
  countDown(area, refresh);
  for (const block of area.querySelectorAll(".verdict[data-at]")) {
    block.classList.toggle("is-old", gateMillis() - Number(block.dataset.at) > FRESH);
  }
}

follow(`/events?lang=${encodeURIComponent(page.lang)}`, ["state", "verdict", "beat"], {
  event(name, data) {
    if (name === "state" && renewed(data.assets)) return;
    if (name === "state") setClock(data.clock);
    if (name === "beat") setClock(data);
    else refresh();
  },
  live,
  cut,
});
setInterval(tick, 250);

const kind = byId("kind");
if (kind) {
  const country = byId("country").parentElement;
  const show = () => (country.hidden = kind.value !== "passport");
  kind.addEventListener("change", show);
  show();
}
