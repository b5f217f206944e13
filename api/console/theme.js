// Sets the chosen theme before anything is drawn. No choice: the system's.
(() => {
  const chosen = window.localStorage.getItem("countersign.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
