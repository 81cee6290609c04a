"use strict";
const controls = document.getElementById("controls");
const slider = document.getElementById("window");
const zoom = document.getElementById("zoom");

function showWindow() {
  const times = 2 ** Number(slider.value);
  const texts = [];
  for (const figure of document.querySelectorAll("#views figure")) {
    const transfer = figure.querySelector("feComponentTransfer");
    const output = figure.querySelector("output");
    for (const channel of transfer.children) {
      channel.setAttribute("amplitude", -transfer.dataset.gain / times);
    }
    const counts = Math.max(1, Math.round(transfer.dataset.limit * times));
    output.value = output.dataset.text.replace("#", counts.toLocaleString(document.documentElement.lang));
    texts.push(output.value);
  }
  slider.setAttribute("aria-valuetext", texts.join("; "));
}

slider.addEventListener("input", showWindow);
zoom.addEventListener("input", () => {
  document.getElementById("views").style.setProperty("--zoom", zoom.value);
});
for (const button of controls.querySelectorAll("[data-window]")) {
  button.addEventListener("click", () => {
    slider.value = button.dataset.window;
    showWindow();
  });
}
for (const box of controls.querySelectorAll("[data-layer]")) {
  const show = () => {
    for (const layer of document.querySelectorAll(`svg .${box.dataset.layer}`)) {
      layer.classList.toggle("off", !box.checked);
    }
  };
  box.addEventListener("change", show);
  show();
}
showWindow();
controls.hidden = false;
