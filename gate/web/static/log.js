// The latest verdicts of all lanes, newest first.

import { byId, fresh, part, say, shape } from "./dom.js";

const KEEP = 50;

export function logVerdict(verdict) {
  const row = fresh("log-template");
  row.dataset.outcome = verdict.outcome;
  shape(row, verdict.outcome);
  say(part(row, "time"), verdict.time);
  say(part(row, "lane"), verdict.lane_name);
  say(part(row, "word"), verdict.word);
  say(part(row, "text"), verdict.text);
  say(part(row, "notes"), verdict.notes.join(" · "));
  say(part(row, "holder"), verdict.holder.join(" · "));
  put(row);
}

export function logMissed(text) {
  const row = fresh("missed-template");
  say(row, text);
  put(row);
}

export function clearLog() {
  byId("log").replaceChildren();
  byId("no-verdicts").hidden = false;
}

function put(row) {
  const log = byId("log");
  log.prepend(row);
  while (log.children.length > KEEP) log.lastElementChild.remove();
  byId("no-verdicts").hidden = true;
}
