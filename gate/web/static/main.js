// The staff page. The gate sends words that are ready to show; the modules
// here put them in place.

import { setClock } from "./clock.js";
import { countDown } from "./countdown.js";
import { byId, say } from "./dom.js";
import { forgetVerdicts, showLanes, showLaneVerdict } from "./lanes.js";
import { cut, live } from "./link.js";
import { clearLog, logMissed, logVerdict } from "./log.js";
import { showCounts, showPack, showWarnings } from "./panels.js";
import { renewed } from "./renew.js";
import { follow } from "./stream.js";
import { showVenue } from "./venue.js";

const page = document.documentElement;
let run; // of the gate's program

const take = {
  state(state) {
    if (renewed(state.assets)) return;
    if (run !== state.run) {
      run = state.run;
      clearLog();
      forgetVerdicts();
    }
    setClock(state.clock);
    if (state.gate) say(byId("gate"), state.gate);
    say(byId("event"), state.event);
    byId("training").hidden = !state.training;
    showVenue(state);
    showWarnings(state.warnings);
    showLanes(state.lanes);
    showCounts(state.counts);
    showPack(state.pack);
  },
  verdict(verdict) {
    showLaneVerdict(verdict);
    logVerdict(verdict);
    if (!verdict.replay) byId("announce").textContent = `${verdict.lane_name}: ${verdict.word}. ${verdict.text}`;
  },
  missed: (missed) => logMissed(missed.text),
  beat: setClock,
};

follow(`/events?lang=${encodeURIComponent(page.lang)}`, Object.keys(take), {
  event: (name, data) => take[name](data),
  live,
  cut,
});

setInterval(() => countDown(byId("lane-list")), 250);
