// What is waited for, counted down by the gate's clock. A block with data-until
// has its seconds in [data-left]; when they are over it is hidden, and whoever
// wants to know is told.

import { gateMillis } from "./clock.js";

export function countDown(root, over = () => {}) {
  const now = gateMillis();
  if (!now) return;
  for (const block of root.querySelectorAll("[data-until]")) {
    const left = Math.ceil((Number(block.dataset.until) - now) / 1000);
    const text = String(Math.max(0, left));
    for (const place of block.querySelectorAll("[data-left]")) {
      if (place.textContent !== text) place.textContent = text;
    }
    if (left > 0 || block.dataset.over) continue;
    block.dataset.over = "yes";
    block.hidden = true;
    over();
  }
}
