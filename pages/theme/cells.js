// The cells of a claim: observed against bound, to zoom and to hover over.
(() => {
  const element = document.querySelector(".plot");
  const source = document.querySelector("script.cells");
  if (!element || !source) return;
  const data = JSON.parse(source.textContent);
  const looks = {
    holds: ["#0072B2", "circle"], refuted: ["#D55E00", "x"], vacuous: ["#8a8a8a", "cross"],
    inconclusive: ["#CC79A7", "diamond"], "assumption unmet": ["#8a8a8a", "square-open"],
  };
  const traces = data.series.map((part) => ({
    type: "scatter", mode: "markers", name: part.verdict, x: part.x, y: part.y, text: part.text,
    marker: { color: looks[part.verdict][0], symbol: looks[part.verdict][1], size: 7 },
    hovertemplate: "%{text}<br>observed %{y}<br>bound %{x}<extra>" + part.verdict + "</extra>",
  }));
  const values = traces.flatMap((t) => [...t.x, ...t.y]).filter((v) => v !== null);
  const ends = [Math.min(...values), Math.max(...values)];
  traces.push({ type: "scatter", mode: "lines", name: "observed = bound", x: ends, y: ends,
    line: { dash: "dash", color: "#8a8a8a" }, hoverinfo: "skip" });

  function layout() {
    const style = getComputedStyle(document.body);
    const axis = (title) => ({ title: { text: title }, type: data.log ? "log" : "linear",
      exponentformat: "power", gridcolor: "#8884", zerolinecolor: "#8886" });
    return { xaxis: axis("bound"), yaxis: axis("observed"), margin: { t: 36, r: 10, l: 70, b: 50 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      font: { color: style.getPropertyValue("--md-typeset-color") || style.color },
      hoverlabel: { align: "left" }, legend: { orientation: "h", y: -0.18 }, autosize: true,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "#767676" } };
  }

  // The library is large: text and formulas do not wait for it.
  const library = document.createElement("script");
  library.src = "../assets/plotly.min.js";
  library.onload = () =>
    Plotly.newPlot(element, traces, layout(), { responsive: true, displaylogo: false })
      .then(() => { element.dataset.drawn = performance.now(); });
  document.head.append(library);
  new MutationObserver(() => element.dataset.drawn && Plotly.relayout(element, layout()))
    .observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
})();
