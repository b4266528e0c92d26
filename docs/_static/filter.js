// The tables after an input.table-filter show the rows that hold every word in it.
document.addEventListener("DOMContentLoaded", () => {
  for (const input of document.querySelectorAll("input.table-filter")) {
    const rows = [...document.querySelectorAll(input.dataset.tables + " tbody tr")];
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    input.after(said);
    const show = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        n += !row.hidden;
      }
      said.textContent = words.length ? ` ${n} of ${rows.length}` : "";
    };
    input.addEventListener("input", show);
    const asked = new URLSearchParams(location.search).get("for");
    if (asked) { input.value = asked; show(); }
  }
});
