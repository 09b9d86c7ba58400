// What is about the venue's gates together: alone, evacuation, orders, entries
// too many, and the gates themselves.

import { byId, fresh, once, part, say } from "./dom.js";

const showAlone = once((alone) => {
  const block = byId("alone");
  block.hidden = !alone;
  if (!alone) return;
  for (const name of ["title", "heard", "hint"]) say(part(block, name), alone[name]);
  part(block, "rules").replaceChildren(
    ...alone.rules.map((rule) => {
      const item = fresh("rule-template");
      item.dataset.rule = rule.rule;
      for (const name of ["lanes", "text", "next"]) say(part(item, name), rule[name]);
      return item;
    }),
  );
});

const showEvacuation = once((evacuation) => {
  const block = byId("evacuation");
  block.hidden = !evacuation;
  if (!evacuation) return;
  say(part(block, "title"), evacuation.title);
  say(part(block, "hint"), evacuation.hint);
  part(block, "lines").replaceChildren(...evacuation.lines.map(paragraph));
});

const showOrders = once((orders) => {
  byId("orders").hidden = orders.items.length === 0;
  say(byId("orders-more"), orders.more);
  byId("order-list").replaceChildren(
    ...orders.items.map((order) => {
      const item = fresh("order-template");
      item.dataset.kind = order.kind;
      for (const name of ["text", "when", "by"]) say(part(item, name), order[name]);
      part(item, "coming").hidden = !order.coming;
      return item;
    }),
  );
});

const showConflicts = once((conflicts) => {
  byId("conflicts").hidden = conflicts.title === "";
  const jump = byId("conflicts-jump"); // where lanes come first
  if (jump) {
    jump.hidden = conflicts.title === "";
    jump.firstElementChild.textContent = conflicts.title;
  }
  const none = byId("no-conflicts");
  if (none) none.hidden = conflicts.title !== "";
  say(byId("conflicts-title"), conflicts.title);
  say(byId("conflicts-zone"), conflicts.zone);
  say(byId("conflicts-more"), conflicts.more);
  byId("conflict-list").replaceChildren(...conflicts.items.map(conflictItem));
});

function conflictItem(conflict) {
  const item = fresh("conflict-template");
  for (const name of ["title", "text", "more", "clocks"]) say(part(item, name), conflict[name]);
  part(item, "grants").replaceChildren(
    ...conflict.grants.map((grant) => {
      const row = fresh("grant-template");
      row.classList.toggle("excess", grant.excess);
      for (const name of ["time", "gate", "lane"]) say(part(row, name), grant[name]);
      say(part(row, "notes"), grant.notes.join(" · "));
      return row;
    }),
  );
  return item;
}

const showGates = once((gates) => {
  say(byId("gates-heard"), gates.title);
  byId("gates").classList.toggle("lone", gates.lone);
  byId("gates-notes").replaceChildren(...gates.notes.map((text) => labelled("li", text)));
  say(byId("gates-more"), gates.more);
  const list = byId("gate-list");
  list.hidden = gates.lone;
  list.replaceChildren(
    ...gates.rows.map((row) => {
      const item = fresh("gate-template");
      item.dataset.state = row.state;
      for (const name of ["name", "heard", "role", "records", "clock"]) say(part(item, name), row[name]);
      return item;
    }),
  );
});

const paragraph = (text) => labelled("p", text);

function labelled(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

export function showVenue(state) {
  showEvacuation(state.evacuation);
  showAlone(state.alone);
  showOrders(state.orders);
  showConflicts(state.conflicts);
  showGates(state.gates);
}
