// The live part of the home page: asks for news each second, and presses buttons without leaving the page.
// Without this script the buttons are plain forms and the page shows the news when it is reloaded.
"use strict";

(() => {
  const columns = document.querySelector("[data-news]");
  const panel = document.getElementById("panel");
  const order = document.getElementById("order");
  const said = document.getElementById("said");
  const pause = document.getElementById("pause");
  const toggle = document.getElementById("switch");
  const shown = new Map();
  let paused = false;
  let asking = false;

  const keys = () => new Set([...panel.querySelectorAll("[data-key]")].map((row) => row.dataset.key));

  function localTimes() {
    for (const time of panel.querySelectorAll("time[datetime]")) {
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hourCycle: "h23" });
    }
  }

  // Replaces the content only if it changed, and keeps the keyboard where it was.
  function put(element, html) {
    if (shown.get(element) === html) return;
    shown.set(element, html);
    const before = keys();
    const href = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.innerHTML = html;
    if (element === panel) {
      localTimes();
      for (const row of panel.querySelectorAll("[data-key]")) {
        row.classList.toggle("fresh", !before.has(row.dataset.key));
      }
    }
    if (href) [...element.querySelectorAll("a")].find((link) => link.getAttribute("href") === href)?.focus();
  }

  async function refresh() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(columns.dataset.news, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const news = await answer.json();
      put(panel, news.panel);
      put(order, news.order);
      toggle.setAttribute("aria-pressed", String(news.switch_on));
      if (said.dataset.lost) say("");
    } catch (error) {
      say(`The site does not answer (${error.message}). Asking again.`, true);
      said.dataset.lost = "yes";
    } finally {
      asking = false;
    }
  }

  function say(text, failed = false) {
    said.textContent = text;
    said.classList.toggle("failed", failed);
    delete said.dataset.lost;
  }

  async function press(form) {
    const options = { method: form.method.toUpperCase(), headers: { Accept: "application/json" } };
    if (options.method === "POST") options.body = new FormData(form);
    const answer = await fetch(form.action, options);
    // A log-in form and a page that crashes answer with a page; what that means is written on the button's form.
    if (form.dataset.said && answer.status !== 403) return say(form.dataset.said);
    if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
      return say((await answer.json()).text, !answer.ok);
    }
    return say(`The answer was status ${answer.status}. Reload the page and try again.`, true);
  }

  for (const form of document.querySelectorAll("form[data-press]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      if (button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      try {
        await press(form);
      } catch (error) {
        say(`The site does not answer (${error.message}).`, true);
      } finally {
        button.removeAttribute("aria-busy");
      }
      await refresh();
    });
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
  });
  localTimes();
  setInterval(() => {
    if (!paused && !document.hidden) refresh();
  }, 1000);
})();
