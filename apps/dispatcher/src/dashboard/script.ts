/**
 * What the dashboard's pages do in a browser with JavaScript; without it they only do not do this. It keeps relative
 * times up to date, filters the rows that are shown while somebody types, and copies commands.
 */
export const SCRIPT = `"use strict";
(() => {
  const two = (count, size, names) => {
    const rest = count % size;
    return Math.floor(count / size) + " " + names[0] + (rest === 0 ? "" : " " + rest + " " + names[1]);
  };
  const until = (ms) => {
    if (ms < 60000) return Math.max(0, Math.round(ms / 1000)) + " s";
    const minutes = Math.round(ms / 60000);
    if (minutes < 60) return minutes + " min";
    return minutes < 1440 ? two(minutes, 60, ["h", "min"]) : two(Math.round(minutes / 60), 24, ["d", "h"]);
  };
  const since = (ms) => {
    if (ms < 1000) return "just now";
    if (ms < 60000) return Math.floor(ms / 1000) + " s ago";
    if (ms < 3600000) return Math.floor(ms / 60000) + " min ago";
    return ms < 172800000 ? Math.floor(ms / 3600000) + " h ago" : Math.floor(ms / 86400000) + " days ago";
  };
  // By the server's clock: this machine's may be wrong.
  const made = document.querySelector(".foot time");
  const skew = made === null ? 0 : Date.parse(made.dateTime) - Date.now();
  const tell = () => {
    const now = Date.now() + skew;
    for (const time of document.querySelectorAll("time[data-moment]")) {
      const at = Date.parse(time.dateTime);
      time.textContent = at > now ? "in " + until(at - now) : since(now - at);
    }
  };
  setInterval(tell, 10000);

  for (const input of document.querySelectorAll("input[data-filter]")) {
    const rows = [...document.querySelectorAll("#" + input.dataset.filter + " tbody tr")];
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }

  for (const box of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(box.textContent.trim());
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.after(button);
  }
})();
`;
