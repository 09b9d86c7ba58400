// Whether the page is live, said so that nobody can miss it.

import { byId, say } from "./dom.js";
import { lastHeard, stopClock } from "./clock.js";

let state = "connecting";

export function live() {
  if (state === "live") return;
  state = "live";
  document.body.classList.remove("is-cut", "is-connecting");
  say(byId("link"), byId("link").dataset.live);
  byId("cut").hidden = true;
}

export function cut() {
  if (state === "cut") return;
  state = "cut";
  stopClock();
  document.body.classList.remove("is-connecting");
  document.body.classList.add("is-cut");
  const notice = byId("cut");
  const since = lastHeard();
  say(byId("link"), byId("link").dataset.cut);
  say(byId("cut-title"), since ? notice.dataset.since.replace("{time}", since) : notice.dataset.never);
  notice.hidden = false;
}
