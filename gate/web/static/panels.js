// Counts, ticket list and warnings.

import { byId, fresh, once, part, say } from "./dom.js";

export const showCounts = once((counts) => {
  for (const element of document.querySelectorAll("[data-count]")) {
    element.textContent = counts[element.dataset.count];
  }
  byId("zones").hidden = counts.zones.length === 0;
  byId("zone-list").replaceChildren(
    ...counts.zones.map((zone) => {
      const item = fresh("zone-template");
      const flow = part(item, "flow");
      say(part(item, "name"), zone.name);
      say(part(item, "inside"), zone.inside);
      say(flow, flow.dataset.text.replace("{in}", zone.in).replace("{out}", zone.out));
      return item;
    }),
  );
  byId("reasons").replaceChildren(
    ...counts.reasons.map((reason) => {
      const item = fresh("reason-template");
      say(part(item, "text"), reason.text);
      say(part(item, "count"), reason.count);
      return item;
    }),
  );
  byId("no-reasons").hidden = counts.reasons.length > 0;
});

export const showPack = once((pack) => {
  for (const element of document.querySelectorAll("[data-pack]")) {
    element.textContent = pack[element.dataset.pack];
  }
  byId("uplink").hidden = !pack.uplink;
  byId("pack").hidden = !pack.loaded;
  byId("pack-none").hidden = pack.loaded;
});

export const showWarnings = once((warnings) => {
  byId("warnings").hidden = warnings.length === 0;
  const pressing = warnings.filter((warning) => warning.severity !== "info");
  const jump = byId("jump").firstElementChild;
  byId("jump").hidden = pressing.length === 0;
  byId("jump").dataset.severity = pressing[0]?.severity ?? ""; // the gate sends the worst first
  jump.textContent = jump.dataset.text.replace("{n}", pressing.length);
  byId("warning-list").replaceChildren(
    ...warnings.map((warning) => {
      const item = fresh("warning-template");
      item.dataset.severity = warning.severity;
      for (const name of ["word", "text", "next", "since"]) say(part(item, name), warning[name]);
      return item;
    }),
  );
});
