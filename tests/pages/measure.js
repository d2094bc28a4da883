// Measures pages in frames of their own and writes what is wrong with each into the document, as JSON.
const SVG = 'http://www.w3.org/2000/svg';
// What a colour that is none is computed to.
const CLEAR = 'rgba(0, 0, 0, 0)';

const COLOURS = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

function rgba(text) {
  COLOURS.clearRect(0, 0, 1, 1);
  COLOURS.fillStyle = text;
  COLOURS.fillRect(0, 0, 1, 1);
  return [...COLOURS.getImageData(0, 0, 1, 1).data];
}

// WCAG 2: relative luminance, and the contrast of two colours.
function luminance([r, g, b]) {
  const part = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const memory = new Map();
function ratio(a, b) {
  const key = `${a}|${b}`;
  if (!memory.has(key)) memory.set(key, contrast(rgba(a), rgba(b)));
  return memory.get(key);
}

// A letter that no font has is drawn as the same box every time.
const LETTERS = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
function drawn(letter, family) {
  LETTERS.clearRect(0, 0, 24, 24);
  LETTERS.font = `16px ${family}`;
  LETTERS.fillText(letter, 2, 18);
  return LETTERS.getImageData(0, 0, 24, 24).data.join('');
}
const covered = new Map();
function isCovered(letter, family) {
  const key = `${letter}|${family}`;
  if (!covered.has(key)) {
    const missing = ['\u{10fffe}', '\u0378', '\u{e0fff}'].map((one) => drawn(one, family));
    covered.set(key, !missing.includes(drawn(letter, family)));
  }
  return covered.get(key);
}

function name(element) {
  const text = (element.textContent || '').trim().slice(0, 40);
  return `${element.tagName.toLowerCase()}.${element.getAttribute('class') || ''} “${text}”`;
}

function measure(frame, wanted) {
  const view = frame.contentWindow;
  const page = frame.contentDocument;
  const wrong = [];
  const say = (what, element) => { if (wrong.length < 40) wrong.push(`${what}: ${element ? name(element) : ''}`); };
  const root = page.documentElement;
  const isDrawing = root.tagName.toLowerCase() === 'svg';

  // Nothing is wider than the page, and no text is wider than its box.
  if (!isDrawing) {
    if (root.scrollWidth > wanted.width) {
      say(`the page is ${root.scrollWidth} wide`);
      for (const one of page.body.querySelectorAll('*')) {
        if (!one.closest('.frame, .cards thead') && one.getBoundingClientRect().right > wanted.width + 1) say('too wide', one);
      }
    }
    for (const one of page.querySelectorAll('td,th,dd,dt,li,p,h1,h2,h3,h4,.numbers div,article')) {
      if (one.closest('.drawing, .turned, .cards thead') || !one.clientWidth) continue;
      if (one.scrollWidth > one.clientWidth + 1) say(`text is wider than its box by ${one.scrollWidth - one.clientWidth}`, one);
    }
  }

  // In the drawing no text touches another, leaves its box or the drawing, or is too small on A3.
  for (const svg of isDrawing ? [root] : page.querySelectorAll('svg.diagram')) {
    const [, , wide, tall] = svg.getAttribute('viewBox').split(' ').map(Number);
    const scale = Math.min(1123 / wide, 1587 / tall);
    const texts = [...svg.querySelectorAll('text')].map((text) => [text, text.getBBox()]);
    for (const [text, box] of texts) {
      const size = parseFloat(view.getComputedStyle(text).fontSize);
      if (size * scale < 9) say(`${(size * scale).toFixed(1)} pixels on A3`, text);
      if (box.x < 0 || box.y < 0 || box.x + box.width > wide || box.y + box.height > tall) say('outside the drawing', text);
      const frame = text.parentElement.querySelector(':scope > rect');
      const around = frame && text.parentElement.matches('.card, .zone, .tag, .chip') ? frame.getBBox() : null;
      if (around && (box.x < around.x || box.x + box.width > around.x + around.width + 0.5)) {
        say(`leaves its box by ${(box.x + box.width - around.x - around.width).toFixed(1)}`, text);
      }
    }
    for (let i = 0; i < texts.length; i += 1) {
      const a = texts[i][1];
      for (let j = i + 1; j < texts.length; j += 1) {
        const b = texts[j][1];
        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        // The box of a line is a little taller than its letters.
        const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        if (across > 0.5 && down > 4) say(`lies over “${texts[j][0].textContent}”`, texts[i][0]);
      }
    }
    const boxes = [...svg.querySelectorAll('.card > rect, .zone > rect')].map((rect) => [rect, rect.getBBox()]);
    for (let i = 0; i < boxes.length; i += 1) {
      const a = boxes[i][1];
      for (let j = i + 1; j < boxes.length; j += 1) {
        const b = boxes[j][1];
        const over = a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
        if (over) say('boxes lie over each other', boxes[i][0].parentElement);
      }
    }
  }

  // Every link within the page has its target.
  const href = (link) => link.getAttribute('href');
  let links = 0;
  for (const link of page.querySelectorAll('a')) {
    links += 1;
    const to = href(link);
    if (!isDrawing && !(to.startsWith('#') && page.getElementById(decodeURIComponent(to.slice(1))))) say('leads nowhere', link);
  }

  // Each text stands out from what is behind it, is large enough, and has its letters.
  const grounds = (element) => {
    if (element.namespaceURI === SVG && element.closest('svg.diagram')) {
      const root = view.getComputedStyle(page.documentElement);
      const frame = element.parentElement.querySelector(':scope > rect');
      if (frame && element.parentElement.matches('.card, .zone, .tag, .chip')) return [view.getComputedStyle(frame).fill];
      return ['--paper', '--faint'].map((name) => root.getPropertyValue(name));
    }
    return [behind(element)];
  };
  const known = new Map();
  const behind = (element) => {
    if (!element) return '#fff';
    if (!known.has(element)) {
      const colour = view.getComputedStyle(element).backgroundColor;
      known.set(element, colour !== CLEAR ? colour : behind(element.parentElement));
    }
    return known.get(element);
  };
  const walker = page.createTreeWalker(isDrawing ? root : page.body, NodeFilter.SHOW_TEXT);
  const letters = new Map();
  let texts = 0;
  const looked = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.matches('title, style, script')) continue;
    const style = view.getComputedStyle(element);
    const family = style.fontFamily;
    if (!letters.has(family)) letters.set(family, new Set());
    for (const letter of walker.currentNode.data) if (letter > '\u007f') letters.get(family).add(letter);
    texts += 1;
    if (looked.has(element)) continue;
    looked.add(element);
    if (style.visibility === 'hidden' || !element.getClientRects().length) continue;
    const inDrawing = element.namespaceURI === SVG;
    const colour = inDrawing ? style.fill : style.color;
    for (const ground of grounds(element)) {
      const found = ratio(colour, ground);
      if (found < 4.5) say(`contrast ${found.toFixed(2)} of ${colour} on ${ground}`, element);
    }
    const across = inDrawing && !isDrawing ? element.getScreenCTM().a : 1;
    const size = parseFloat(style.fontSize) * across;
    if (!(size >= wanted.smallest)) say(`${size.toFixed(1)} pixels`, element);
  }
  for (const [family, all] of letters) {
    for (const letter of all) if (letter.trim() && !isCovered(letter, family)) say(`no font has ${letter} (U+${letter.codePointAt(0).toString(16)})`);
  }

  // The keyboard goes as the eye does, and shows where it is.
  const focusable = [...page.querySelectorAll('a[href], [tabindex]')].filter((one) => one.getClientRects().length);
  const rules = [...page.styleSheets].flatMap((sheet) => [...sheet.cssRules])
    .filter((rule) => rule.selectorText && rule.selectorText.includes(':focus-visible'))
    .flatMap((rule) => rule.selectorText.split(','))
    .filter((selector) => selector.includes(':focus-visible'))
    .map((selector) => selector.slice(0, selector.indexOf(':focus-visible')).trim());
  let before = null;
  for (const one of focusable) {
    if (one.tabIndex > 0) say('has a place of its own in the order of the keyboard', one);
    if (!rules.some((selector) => one.matches(selector))) say('does not show that it has the keyboard', one);
    const at = one.getBoundingClientRect();
    if (before && at.bottom < before.top - 2 && at.left < before.right) say('comes later than it stands', one);
    before = at;
  }
  return { wrong, texts, links, focusable: focusable.length, tall: isDrawing ? 0 : root.scrollHeight };
}

async function all() {
  const results = {};
  for (const wanted of PAGES) {
    const frame = document.createElement('iframe');
    frame.style.cssText = `width:${wanted.width}px;height:900px;border:0`;
    const loaded = new Promise((done) => { frame.onload = done; });
    frame.src = wanted.file;
    document.body.append(frame);
    await loaded;
    try {
      await frame.contentDocument.fonts.ready;
      results[`${wanted.file} ${wanted.width}`] = measure(frame, wanted);
    } catch (error) {
      results[`${wanted.file} ${wanted.width}`] = { wrong: [String(error && error.stack || error)], texts: 0, links: 0, focusable: 0, tall: 0 };
    }
    frame.remove();
  }
  const told = document.createElement('pre');
  told.id = 'told';
  told.textContent = JSON.stringify(results).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  document.body.append(told);
}
all();
