// The ways by which photos come in: chosen, dropped anywhere on the page, pasted.

const NO_PHOTO = {
  paste: "There is no photo in what was pasted. Copy the photo itself, or choose its file.",
  drop: "There is no photo in what was dropped. Drop files of this machine.",
  folder: "That is a folder. Open it and drop the photos that are in it.",
};

/**
 * @param {HTMLButtonElement} button opens the file dialogue, and shows that photos may be dropped
 * @param {HTMLInputElement} input the file dialogue; on a telephone the camera too
 * @param {(files: File[], names: string[]) => void} give takes photos
 * @param {(text: string) => void} note says why nothing came in
 */
export function openDoors(button, input, give, note) {
  let numPasted = 0;
  const take = (files, way, name = (file) => file.name) => {
    if (files.length === 0) note(NO_PHOTO[way]);
    else give(files, files.map(name));
  };
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    take([...clipboardData.files], "paste", (file) => `pasted ${(numPasted += 1)}: ${file.name}`);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would leave the page to show the photo
    button.classList.add("over");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) button.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    button.classList.remove("over");
    const hasFolder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry()?.isDirectory);
    take(hasFolder ? [] : [...event.dataTransfer.files], hasFolder ? "folder" : "drop");
  });
}
