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
  // Places in the list of dates, best CRPS first: of the system that is shown, else of the reference.
  const ranked = (target, system) => target.dates.map((date, index) => [date.crps[system], index])
    .filter(([score]) => score).sort((one, other) => one[0][0] - other[0][0]).map(([, index]) => index);
  const places = { best: () => 0, median: (count) => (count - 1) >> 1, worst: (count) => count - 1 };
  const leap = {};
  const showRanked = (target, system) => {
    const names = [system, target.reference, ...target.dates.flatMap((date) => Object.keys(date.crps))];
    const scored = names.find((name) => ranked(target, name).length);
    const order = scored === undefined ? [] : ranked(target, scored);
    by("ranked").hidden = order.length < 2;
    by("by").textContent = "Of the " + order.length + " dates here, by the CRPS of " + scored + ":";
    for (const [name, place] of Object.entries(places)) {
      leap[name] = order[place(order.length)];
      by(name).hidden = name === "median" && order.length < 3;
      by(name).setAttribute("aria-pressed", leap[name] === controls.date.selectedIndex);
    }
    return scored;
  };
  const show = () => {
    const target = targets[Math.max(0, controls.target.selectedIndex)];
    fill(controls.date, target.dates.map((one) => one.date), text(controls.date));
    const date = target.dates[controls.date.selectedIndex];
    fill(controls.system, date.fields.map((one) => one.system), text(controls.system));
    by("previous").disabled = controls.date.selectedIndex === 0;
    by("next").disabled = controls.date.selectedIndex === target.dates.length - 1;
    const source = date.fields[controls.system.selectedIndex];
    fill(controls.field, source.images.map((one) => one.name), text(controls.field));
    const image = source.images[controls.field.selectedIndex];
    const legend = target.legends[image.scale];
    by("image").src = image.src;
    by("image").alt = image.alt;
    const scored = showRanked(target, source.system);
    by("words").textContent = [image.alt + ".", image.beyond, image.gaps ? "Grey: no value." : "",
      date.why ? "Date: " + date.why + "." : "", scored in date.crps ? date.crps[scored][1] + "." : "",
    ].filter(Boolean).join(" ");
    by("bar").style.background = "linear-gradient(to right, " + legend.colours.join(", ") + ")";
    for (const [side, colour, ends] of [["under", 0, ["min", "both"]], ["over", legend.colours.length - 1, ["max", "both"]]]) {
      const end = by("bar").querySelector("." + side);
      end.hidden = !ends.includes(legend.extend);
      end.style.background = legend.colours[colour];
    }
    by("label").textContent = legend.label;
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
  by("previous").addEventListener("click", () => step(controls.date, -1));
  by("next").addEventListener("click", () => step(controls.date, 1));
  Object.keys(places).forEach((name) => by(name).addEventListener("click", () => {
    controls.date.selectedIndex = leap[name];
    show();
  }));
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
