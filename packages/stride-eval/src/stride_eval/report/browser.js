"use strict";
(() => {
  const targets = JSON.parse(document.getElementById("browser-data").textContent);
  const by = (name) => document.getElementById("browser-" + name);
  const controls = { target: by("target"), date: by("date"), system: by("system"), field: by("field") };
  const fill = (select, names, wanted) => {
    select.replaceChildren(...names.map((name, index) => new Option(name, index)));
    select.selectedIndex = Math.max(0, names.indexOf(wanted));
    select.disabled = names.length < 2;
  };
  const text = (select) => select.selectedIndex < 0 ? "" : select.options[select.selectedIndex].text;
  const show = () => {
    const target = targets[Math.max(0, controls.target.selectedIndex)];
    fill(controls.date, target.dates.map((one) => one.date), text(controls.date));
    const date = target.dates[controls.date.selectedIndex];
    fill(controls.system, date.fields.map((one) => one.system), text(controls.system));
    const source = date.fields[controls.system.selectedIndex];
    fill(controls.field, source.images.map((one) => one.name), text(controls.field));
    const image = source.images[controls.field.selectedIndex];
    const legend = target.legends[image.scale];
    by("image").src = image.src;
    by("image").alt = image.alt;
    by("words").textContent = image.alt + ". " + (date.why ? "Date: " + date.why + "." : "");
    by("bar").style.background = "linear-gradient(to right, " + legend.colours.join(", ") + ")";
    by("label").textContent = legend.label + (legend.beyond ? "; some values are " + legend.beyond + " than the bar" : "");
    by("ticks").replaceChildren(...legend.ticks.map(([place, name]) => {
      const tick = document.createElement("span");
      tick.style.left = place + "%";
      tick.textContent = name;
      return tick;
    }));
  };
  const step = (select, by) => {
    const next = select.selectedIndex + by;
    if (next >= 0 && next < select.options.length) { select.selectedIndex = next; show(); }
  };
  fill(controls.target, targets.map((one) => one.name), "");
  Object.values(controls).forEach((select) => select.addEventListener("change", show));
  const keys = { ArrowLeft: ["date", -1], ArrowRight: ["date", 1], ArrowUp: ["field", -1], ArrowDown: ["field", 1],
    PageUp: ["system", -1], PageDown: ["system", 1] };
  by("map").addEventListener("keydown", (event) => {
    const wanted = keys[event.key];
    if (wanted && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      step(controls[wanted[0]], wanted[1]);
    }
  });
  show();
})();
