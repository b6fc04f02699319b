// Shows the counter's number as it changes. Without this script the page is complete;
// it then shows the number it was loaded with.

const RETRY_MILLISECONDS = 5000;

const counter = document.querySelector("[data-counter]");
const heard = counter.querySelector("h1");
const number = counter.querySelector(".number");
const unit = counter.querySelector(".unit");
const live = counter.querySelector(".live");
const address = `/api/counters/${counter.dataset.counter}/events`;

let source;
let timer;

function show(event) {
  // Not JSON.parse: a number past 2 ** 53 would be rounded.
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
  document.title = `${number.textContent} ${unit.textContent}`;
  number.classList.toggle("wide", value.length > 5);
  number.classList.toggle("widest", value.length > 9);
  number.classList.remove("changed");
  void number.offsetWidth; // so that the animation starts anew
  number.classList.add("changed");
}

function open() {
  close();
  source = new EventSource(address);
  source.addEventListener("value", show);
  source.addEventListener("error", () => {
    live.hidden = true;
    // The browser tries again by itself, unless it was answered with an error.
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

// A browser holds six connections to a site: windows nobody looks at give theirs back.
function follow() {
  if (document.visibilityState === "visible") {
    open();
  } else {
    close();
  }
}

document.addEventListener("visibilitychange", follow);
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    // Back from another page: this number is of then, until the stream says more.
    counter.classList.add("stale");
    follow();
  }
});

follow();
