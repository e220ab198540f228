// Small comforts only: every page works without this file.
(function () {
  "use strict";
  // A form that was sent is not sent again by a second click.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 8000);
  });
  // Coming back by the back button, forms may be sent again; the key in them is the same.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form").forEach(function (form) { delete form.dataset.sent; });
  });
  // A slider says where it stands.
  document.querySelectorAll("[data-shows]").forEach(function (slider) {
    slider.addEventListener("input", function () {
      document.getElementById(slider.dataset.shows).textContent = slider.value + "%";
    });
  });
  // What went wrong is read first.
  var summary = document.querySelector(".summary");
  if (summary) summary.focus();
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });
})();
