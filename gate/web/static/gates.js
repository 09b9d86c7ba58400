// The page of all gates. It shows what the start page does, but lanes, and all of
// it.

import { setClock } from "./clock.js";
import { byId, say } from "./dom.js";
import { cut, live } from "./link.js";
import { showCounts, showPack } from "./panels.js";
import { renewed } from "./renew.js";
import { follow } from "./stream.js";
import { showVenue } from "./venue.js";

const take = {
  state(state) {
    if (renewed(state.assets)) return;
    setClock(state.clock);
    if (state.gate) say(byId("gate"), state.gate);
    byId("training").hidden = !state.training;
    showVenue(state);
    showCounts(state.counts);
    showPack(state.pack);
  },
  beat: setClock,
};

const lang = encodeURIComponent(document.documentElement.lang);
follow(`/events?gates=all&lang=${lang}`, Object.keys(take), {
  event: (name, data) => take[name](data),
  live,
  cut,
});
