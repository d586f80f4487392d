"use strict";
(() => {
  // What scrolls sideways is a stop of the Tab key, what fits is none.
  const boxes = document.querySelectorAll(".scroll, .plate.wide, pre");
  const mark = () => boxes.forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
  window.addEventListener("resize", mark);
  document.querySelectorAll("details").forEach((one) => one.addEventListener("toggle", mark));
  mark();
})();
