"use strict";
(() => {
  const form = document.querySelector(".controls");
  const list = document.querySelector(".photos");
  const status = form.querySelector("[role=status]");
  const photos = [...list.children].map((element) => ({
    element,
    place: Number(element.dataset.place),
    class: element.dataset.class,
    margin: Number(element.dataset.margin),
  }));
  const orders = {
    smallest: (one, other) => one.margin - other.margin || one.place - other.place,
    largest: (one, other) => other.margin - one.margin || one.place - other.place,
    name: (one, other) => one.place - other.place,
  };

  let order = "smallest";

  function arrange() {
    if (form.elements.order.value === order) return; // ten thousand photos take a while to move
    order = form.elements.order.value;
    list.append(...photos.toSorted(orders[order]).map((photo) => photo.element));
  }

  function choose() {
    const [from, below] = form.elements.margin.value.split(" ").map(Number);
    let shown = 0;
    for (const photo of photos) {
      const fits =
        ["", photo.class].includes(form.elements.class.value) && photo.margin >= from && photo.margin < below;
      photo.element.hidden = !fits;
      shown += fits;
    }
    status.textContent = `${shown} of ${photos.length} photos`;
    document.querySelector(".nothing").hidden = shown > 0;
  }

  function show() {
    arrange();
    choose();
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show(); // a browser that goes back restores the choices
})();
