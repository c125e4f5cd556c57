// The table of claims: sorted by its headings, filtered by its selects and by words.
(() => {
  const table = document.getElementById("claims");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const search = document.getElementById("search");
  const selects = [...document.querySelectorAll("[data-filter]")];
  const shown = document.getElementById("shown");

  const keyed = (row, column) => row.cells[column].dataset.key;
  const numeric = (column) =>
    rows.every((row) => keyed(row, column) === "" || !Number.isNaN(Number(keyed(row, column))));
  const compared = (column) => {
    const key = numeric(column) ? Number : (text) => text.toLowerCase();
    return (a, b) => {
      const [left, right] = [key(keyed(a, column)), key(keyed(b, column))];
      return left < right ? -1 : Number(left > right);
    };
  };

  function sort(heading, column) {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = compared(column);
    const blank = (row) => keyed(row, column) === "";
    const sorted = [...rows].sort((a, b) => {
      if (blank(a) || blank(b)) return blank(a) - blank(b); // What has no number comes last.
      return down ? order(b, a) : order(a, b);
    });
    body.append(...sorted);
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = selects.every((s) => !s.value || row.dataset[s.dataset.filter] === s.value);
      row.hidden = !(fits && words.every((word) => text.includes(word)));
      count += !row.hidden;
    }
    shown.textContent = `${count} of ${rows.length} claims`;
  }

  [...table.tHead.rows[0].cells].forEach((heading, column) =>
    heading.querySelector("button").addEventListener("click", () => sort(heading, column)));
  search.addEventListener("input", filter);
  selects.forEach((select) => select.addEventListener("change", filter));
  const asked = /^#theorem=(\d)$/.exec(location.hash);
  if (asked) selects[0].value = `Theorem ${asked[1]}`;
  filter();
})();
