// Only under `run --reload`: reload the page when what it shows has changed.
"use strict";

(() => {
  const { stream, state } = document.currentScript.dataset;
  const longestWait = 5000;
  let wait = 100;
  let source = null;

  // A browser opens six connections to a server, so a hidden page holds none.
  function follow() {
    const visible = document.visibilityState === "visible";
    if (visible && !source) {
      open();
    } else if (!visible && source) {
      close();
    }
  }

  function open() {
    source = new EventSource(stream);
    source.onmessage = (event) => {
      wait = 100;
      if (event.data !== state) {
        close();
        location.reload();
      }
    };
    // The server stopped. While it starts again, a connection waits for it.
    source.onerror = () => {
      close();
      setTimeout(follow, wait);
      wait = Math.min(wait * 2, longestWait);
    };
  }

  function close() {
    source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", follow);
  follow();
})();
