// Elements are made of names, attributes and text alone: nothing is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

// Controls, and what turns the direction of writing round or is invisible: shown as escapes.
const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

function shown(value) {
  return String(value).replace(
    HARMFUL, (sign) => "\\u" + sign.codePointAt(0).toString(16).padStart(4, "0"));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : shown(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : shown(child));
  }
  return element;
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

function read(id) {
  return JSON.parse(byId(id).textContent);
}

function endpoint(end) {
  return (end.ip.includes(":") ? `[${end.ip}]` : end.ip) + ":" + end.port;
}

function frameText(frame) {
  if (frame === null || frame === undefined) return "";
  return typeof frame === "object" ? `${frame.file}:${frame.frame}` : String(frame);
}

function day(time) {
  return time === null ? "?" : time.slice(0, 10);
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "skip", "aria-hidden": "true" }, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}
