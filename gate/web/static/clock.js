// The gate's clock. A device's own clock is of no use here: phones and tablets
// may be off, and it is the gate's time that codes are checked against.

import { byId, say } from "./dom.js";

let gate; // {millis, offset} as last heard
let heard = 0;
let running = false;

export function setClock(clock) {
  gate = clock;
  heard = performance.now();
  say(byId("clock-note"), clock.note);
  running = true;
  tick();
}

export function stopClock() {
  running = false;
}

// gateMillis is the gate's time now, Unix milliseconds.
export const gateMillis = () => (gate ? gate.millis + performance.now() - heard : 0);

// lastHeard is the gate's time when it was last heard, as text, or nothing.
export const lastHeard = () => (gate ? timeText(gate.millis) : "");

function timeText(millis) {
  return new Date(millis + gate.offset * 1000).toISOString().slice(11, 19);
}

function tick() {
  if (running) say(byId("clock"), timeText(gateMillis()));
}

setInterval(tick, 250);
