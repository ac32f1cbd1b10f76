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
