// The counter's form goes off by itself when the code is whole, once.
const form = document.getElementById("pick-up");
if (form) {
  const code = form.elements.code;
  code.select();
  code.addEventListener("input", () => {
    if (code.value.replace(/\D/g, "").length === 8 && !form.dataset.sent) {
      form.dataset.sent = "1";
      form.requestSubmit();
    }
  });
}

// How long somebody who typed five wrong codes still waits; then the page is a new one.
const pause = document.getElementById("pause");
if (pause) {
  const clock = pause.querySelector("time");
  const until = Date.parse(pause.dataset.until);
  const show = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) window.location.assign(window.location.pathname);
    else clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  };
  show();
  setInterval(show, 1000);
}
