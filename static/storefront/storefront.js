// What the buyer pages need beyond htmx: clocks, the quantity, sheets, sharing. Everything works without it, less smoothly.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => within.querySelectorAll(selector);
  root.classList.add("js");

  // --- Clocks run on the server's time -------------------------------------------------------------------------
  // The page said what time it was when its first byte came in, which on a slow line is a while ago.
  const arrived = Date.now() - (performance.now() - (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0));
  const ahead = root.dataset.now ? Number(root.dataset.now) - arrived : 0;
  const pad = (number) => String(number).padStart(2, "0");

  function tick(clock) {
    const left = Math.floor((Number(clock.dataset.until) - Date.now() - ahead) / 1000);
    const seconds = Math.max(0, left);
    const parts = { d: Math.floor(seconds / 86400), h: pad(Math.floor(seconds / 3600) % 24), m: pad(Math.floor(seconds / 60) % 60), s: pad(seconds % 60) };
    for (const part of all("[data-part]", clock)) {
      const text = String(parts[part.dataset.part]);
      if (part.textContent !== text) part.textContent = text;
    }
    for (const days of all("[data-days]", clock)) days.hidden = parts.d === 0;
    for (const hours of all("[data-hours]", clock)) hours.hidden = seconds < 3600;
    if (left < 0) ring(clock);
  }

  function ring(clock) {
    clock.removeAttribute("data-until");
    const scope = clock.closest("[data-scope]") || document;
    for (const element of all("[data-before]", scope)) element.hidden = true;
    for (const element of all("[data-after]", scope)) element.hidden = false;
    // Spread over two seconds: everybody's clock rings at once.
    setTimeout(() => news(), 300 + Math.random() * 1700);
  }

  function news() {
    for (const element of all("[data-news]")) window.htmx?.trigger(element, "news");
  }

  const tickAll = () => all(".countdown[data-until]").forEach(tick);
  setInterval(tickAll, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { tickAll(); news(); }
  });
  // A page out of the browser's memory shows old stock and an old form.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // --- The quantity: in the bar and on the sheet alike -------------------------------------------------------------
  let wanted = 0;

  function showQuantity(quantity) {
    for (const stepper of all("[data-stepper]")) {
      const input = stepper.querySelector("input");
      const most = Math.max(1, Number(input.max) || 1);
      const shown = Math.min(Math.max(1, quantity), most);
      if (document.activeElement !== input || input.value !== "") input.value = shown;
      stepper.querySelector("[data-step='-1']").disabled = shown <= 1;
      stepper.querySelector("[data-step='1']").disabled = shown >= most;
      const total = stepper.closest("form").querySelector("[data-total]");
      total.textContent = "¥" + ((Math.round(Number(total.dataset.price) * 100) * shown) / 100).toFixed(2);
      wanted = shown;
    }
  }

  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    if (step) showQuantity(Number(step.parentElement.querySelector("input").value || 0) + Number(step.dataset.step));
    const copies = event.target.closest("[data-copy]");
    if (copies) copy(copies);
    const sends = event.target.closest("[data-send]");
    if (sends) navigator.share({ title: sends.dataset.title, url: sends.dataset.send }).catch(() => {});
    const dialog = event.target.closest("dialog:modal");
    if (dialog && event.target === dialog && outside(dialog, event)) dialog.close();
  });
  document.addEventListener("input", (event) => {
    const stepper = event.target.closest("[data-stepper]");
    if (stepper && event.target.value !== "") showQuantity(Math.floor(Number(event.target.value)) || 1);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches("[data-stepper] input")) showQuantity(Number(event.target.value) || 1);
  });

  function outside(dialog, event) {
    const box = dialog.getBoundingClientRect();
    return event.clientY < box.top || event.clientY > box.bottom || event.clientX < box.left || event.clientX > box.right;
  }

  // --- Sheets and questions ------------------------------------------------------------------------------------------
  function open(dialog) {
    if (dialog.matches(":modal")) return;
    dialog.close();
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.opens) {
      event.preventDefault();
      open(document.getElementById(form.dataset.opens));
    } else if (form.dataset.ask && !form.dataset.answered) {
      event.preventDefault();
      ask(form);
    }
  }, true);

  function ask(form) {
    const dialog = document.getElementById("ask");
    dialog.querySelector("p").textContent = form.dataset.ask;
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.answered = "yes";
      form.requestSubmit();
    };
    dialog.returnValue = "";
    dialog.showModal();
  }

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast(button.dataset.copied);
    } catch {
      const link = button.closest("[data-share]").querySelector("input");
      link.focus();
      link.select();
    }
  }

  function toast(words) {
    const place = document.getElementById("toast");
    place.textContent = words;
    if (place.showPopover) place.showPopover(); else place.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => (place.hidePopover ? place.hidePopover() : (place.hidden = true)), 2500);
  }

  // --- htmx -----------------------------------------------------------------------------------------------------------
  function ready() {
    for (const dialog of all("dialog[open]:not(:modal)")) open(dialog);
    for (const button of all("[data-send]")) button.hidden = !navigator.share;
    for (const gallery of all("[data-gallery]")) count(gallery);
    showQuantity(wanted || Number(document.querySelector("[data-stepper] input")?.value) || 1);
    tickAll();
  }

  function count(gallery) {
    const list = gallery.querySelector("ul");
    const shown = gallery.querySelector("[data-shown]");
    list.onscroll = () => { shown.textContent = String(Math.round(list.scrollLeft / list.clientWidth) + 1); };
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "share-body") open(document.getElementById("share"));
    // A search can be read anew, kept and passed on.
    if (event.target.id === "found") history.replaceState(null, "", event.detail.pathInfo.finalRequestPath);
    ready();
  });
  // A poll that fails is tried again by itself; only what a person sent is worth a word.
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => { if (event.target.matches("form")) toast(document.getElementById("toast").dataset.failed); });
  }
  // WeChat's own pay window: there only inside WeChat.
  function payInWeChat() {
    const pay = document.querySelector("[data-wechat-pay]");
    if (!pay || !window.WeixinJSBridge) return;
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", JSON.parse(pay.dataset.wechatPay), () => location.replace(pay.dataset.back));
  }

  document.addEventListener("WeixinJSBridgeReady", payInWeChat);
  ready();
  payInWeChat();
})();
