// What the page says: every sentence is in words.en.json, so another language is one file.

export function startWords() {
  const words = JSON.parse(document.getElementById("words").textContent);
  return (key, values = {}) => fill(words[key] ?? key, values);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
