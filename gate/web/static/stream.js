// The line to the gate. It tells when it is live and when it is cut, and never
// stops trying.

const SILENCE = 12_000; // the gate beats every 5 s
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

// follow keeps an EventSource open on url. on.event(name, data) is called for
// each event, on.live() when the line is up, on.cut() when it is not.
export function follow(url, names, on) {
  let source;
  let lastId = "";
  let heard = performance.now();
  let wait = FIRST_WAIT;
  let reopening;

  function open() {
    clearTimeout(reopening);
    reopening = undefined;
    source?.close();
    heard = performance.now();
    const target = new URL(url, location.href);
    if (lastId) target.searchParams.set("after", lastId);
    source = new EventSource(target);
    for (const name of names) source.addEventListener(name, (event) => take(name, event));
    source.onerror = () => {
      on.cut();
      // The browser comes back by itself unless the gate answered with an error.
      if (source.readyState === EventSource.CLOSED) reopen();
    };
  }

  function reopen() {
    if (reopening !== undefined) return;
    reopening = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  function take(name, event) {
    heard = performance.now();
    wait = FIRST_WAIT;
    if (event.lastEventId) lastId = event.lastEventId;
    on.live();
    on.event(name, JSON.parse(event.data));
  }

  // A line that died without a word is noticed by its silence.
  function check() {
    if (reopening !== undefined || performance.now() - heard < SILENCE) return;
    on.cut();
    source.close();
    reopen();
  }

  setInterval(check, 1000);
  addEventListener("online", open);
  addEventListener("pageshow", (event) => event.persisted && open());
  document.addEventListener("visibilitychange", () => document.hidden || check());
  open();
}
