// The lane cards: state of the lane, its devices, its last verdict.

import { byId, fresh, once, part, say } from "./dom.js";
import { showVerdict } from "./verdict.js";

const cards = new Map(); // lane id → {element, devices, number, live}

export function showLanes(lanes) {
  const list = byId("lane-list");
  const present = new Set(lanes.map((lane) => lane.id));
  for (const [id, card] of cards) {
    if (present.has(id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  lanes.forEach((lane, place) => {
    const card = cards.get(lane.id) ?? newCard(lane.id);
    if (list.children[place] !== card.element) list.insertBefore(card.element, list.children[place] ?? null);
    showLane(card, lane);
  });
  byId("no-lanes").hidden = lanes.length > 0;
}

// showLaneVerdict puts a verdict on its lane's card, unless a newer one is
// there. One that came with the state before it came by itself is shown again,
// as new.
export function showLaneVerdict(verdict) {
  const card = cards.get(verdict.lane);
  if (!card || verdict.number < card.number) return;
  if (verdict.number === card.number && (verdict.replay || card.live)) return;
  card.number = verdict.number;
  card.live = !verdict.replay;
  showVerdict(part(card.element, "verdict"), verdict);
}

// forgetVerdicts is for a gate that started anew and numbers from one again.
export function forgetVerdicts() {
  for (const card of cards.values()) card.number = 0;
}

function newCard(id) {
  const element = fresh("lane-template");
  const name = part(element, "name");
  name.id = `lane-${id}`;
  element.setAttribute("aria-labelledby", name.id);
  const devices = element.querySelector(".devices");
  const card = { element, number: 0, live: false, devices: once((rows) => showDevices(devices, rows)) };
  const mishaps = part(element, "mishaps");
  card.mishaps = once((rows) => showMishaps(mishaps, rows));
  cards.set(id, card);
  return card;
}

function showLane(card, lane) {
  const { element } = card;
  element.dataset.status = lane.status;
  say(part(element, "name"), lane.name);
  say(part(element, "kind"), lane.kind_word);
  say(part(element, "way"), lane.way);
  say(part(element, "status"), lane.status_word);
  part(element, "serve").href = `/lanes/${lane.id}?lang=${encodeURIComponent(document.documentElement.lang)}`;
  part(element, "fire").hidden = !lane.fire;
  showFor(part(element, "waiting"), lane.waiting);
  showFor(part(element, "staff"), lane.staff);
  if (lane.waiting) {
    say(part(element, "waiting-text"), lane.waiting.text);
    say(part(element, "waiting-other"), lane.waiting.other);
    say(part(element, "waiting-left"), lane.waiting.left);
  }
  if (lane.staff) part(element, "staff").href = part(element, "serve").href;
  card.mishaps(lane.mishaps);
  card.devices(lane.devices);
  if (lane.last) showLaneVerdict(lane.last);
}

// showFor shows a block until a time of the gate's.
function showFor(block, what) {
  block.hidden = !what;
  if (!what) {
    delete block.dataset.until;
    return;
  }
  if (block.dataset.until !== String(what.until)) delete block.dataset.over;
  block.dataset.until = what.until;
  block.hidden = "over" in block.dataset;
}

function showMishaps(block, rows) {
  block.hidden = rows.length === 0;
  block.querySelector("ul").replaceChildren(
    ...rows.map((row) => {
      const item = fresh("mishap-template");
      item.dataset.kind = row.kind;
      for (const name of ["text", "count", "last"]) say(part(item, name), row[name]);
      return item;
    }),
  );
}

function showDevices(list, rows) {
  list.replaceChildren(
    ...rows.map((row) => {
      const item = fresh("device-template");
      item.dataset.state = row.state;
      say(part(item, "name"), row.name);
      say(part(item, "word"), row.word);
      return item;
    }),
  );
}
