// Texts whose contrast with what lies behind them is below 4.5, or 3 where they are large.
const number = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const over = (top, below) => {
  const a = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((i) => a * top[i] + (1 - a) * below[i]);
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(number(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || element.closest("script, style, noscript, svg, .headerlink"))
    continue;
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  if (!box.width || !box.height || style.visibility === "hidden" || Number(style.opacity) === 0) continue;
  const below = behind(element), colour = over(number(style.color), below);
  const [a, b] = [light(colour), light(below)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize);
  const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < least) poor.push(`${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)} (${element.className || element.tagName})`);
}
return [...new Set(poor)].slice(0, 20);
