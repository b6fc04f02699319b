// Updates the number when the counter changes. Without this script the page works, and
// keeps the number it was loaded with.

const RETRY_MILLISECONDS = 5000;
const RETRIES = 5;

const counter = document.querySelector("[data-events]");
const heard = counter.querySelector(".heard");
const number = counter.querySelector(".number");
const unit = counter.querySelector(".unit");
const live = counter.querySelector(".live");
const address = counter.dataset.events;

let source;
let timer;

function show(event) {
  // JSON.parse would round a number above 2 ** 53.
  const value = event.data.match(/"value":\s*(\d+)/)[1];
  const text = `Counter: ${value}`;
  counter.classList.remove("stale");
  live.hidden = false;
  if (heard.textContent === text) {
    return;
  }
  heard.textContent = text;
  number.textContent = BigInt(value).toLocaleString("en");
  unit.textContent = value === "1" ? "visit" : "visits";
  const shown = `${number.textContent} ${unit.textContent}`;
  document.title = document.title.replace(/^[\d,]+ visits?/, shown);
  number.classList.toggle("wide", value.length > 5);
  number.classList.toggle("widest", value.length > 9);
  number.classList.remove("changed");
  void number.offsetWidth; // restarts the animation
  number.classList.add("changed");
}

function open() {
  close();
  source = new EventSource(address);
  source.addEventListener("value", show);
  source.addEventListener("error", () => {
    live.hidden = true;
    // The browser reconnects by itself, unless the answer was an error.
    if (source.readyState === EventSource.CLOSED) {
      timer = setTimeout(open, RETRY_MILLISECONDS);
    }
  });
}

function close() {
  clearTimeout(timer);
  source?.close();
  live.hidden = true;
}

// A browser opens at most six connections to a site, so hidden windows close theirs.
function follow() {
  if (document.visibilityState === "visible") {
    open();
  } else {
    close();
  }
}

// A page that was loaded ahead was not counted then. It is when somebody sees it, once:
// whoever goes back to it finds it counted.
async function countOnce() {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const request = { method: "POST", keepalive: true, headers: { "Idempotency-Key": key } };
  for (let left = RETRIES; left; left -= 1) {
    try {
      const response = await fetch(counter.dataset.increment, request);
      // 429 says that strangers may make no more for now.
      if (response.status < 500 && response.status !== 429) {
        return;
      }
    } catch {
      // No answer came; with its key it is counted once, however often it is sent.
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
  }
}

if (counter.dataset.increment) {
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", countOnce, { once: true });
  } else {
    countOnce();
  }
}

document.addEventListener("visibilitychange", follow);
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    // The browser kept the page: its number is old until the stream sends one.
    counter.classList.add("stale");
    follow();
  }
});

follow();
