// The rows of a strategy's form: one more in place, and suggestions while a symbol is typed.

const WAIT_MS = 200;
const SHORTEST = 2;

const list = document.querySelector('[data-symbol-rows]');
const options = document.getElementById('symbol-options');
const addButton = document.querySelector('[data-add-row]');
const finder = document.querySelector('[data-symbol-finder]');

/** Lots of what was suggested, by name. @type {Map<string, number>} */
const lots = new Map();
/** @type {AbortController | undefined} */
let asking;
let timer = 0;

if (finder instanceof HTMLElement) {
  finder.hidden = true;
  for (const input of finder.querySelectorAll('input')) input.disabled = true;
}
addButton?.addEventListener('click', (event) => {
  event.preventDefault();
  addRow();
});
list?.addEventListener('input', (event) => {
  const { target } = event;
  if (!(target instanceof HTMLInputElement) || target.name !== 'symbol') return;
  clearTimeout(timer);
  const lot = lots.get(target.value);
  if (lot !== undefined) takeLot(target, lot);
  else if (target.value.trim().length >= SHORTEST) timer = setTimeout(() => suggest(target.value), WAIT_MS);
});

function addRow() {
  const last = list?.querySelector('[data-symbol-row]:last-of-type');
  if (!(last instanceof HTMLElement) || !(list instanceof HTMLElement)) return;
  const number = list.querySelectorAll('[data-symbol-row]').length;
  const row = /** @type {HTMLElement} */ (last.cloneNode(true));
  row.classList.remove('field-wrong');
  for (const error of row.querySelectorAll('.field-error')) error.remove();
  for (const each of row.querySelectorAll('[data-row-number]')) each.textContent = String(number + 1);
  for (const label of row.querySelectorAll('label')) label.htmlFor = numbered(label.htmlFor, number);
  for (const input of row.querySelectorAll('input, select')) {
    input.id = numbered(input.id, number);
    for (const name of ['aria-invalid', 'aria-describedby', 'autofocus']) input.removeAttribute(name);
    if (input instanceof HTMLInputElement) input.value = '';
  }
  last.after(row);
  row.querySelector('input')?.focus();
  if (addButton instanceof HTMLElement) addButton.hidden = number + 1 >= Number(list.dataset['most']);
}

/** @param {string} id @param {number} number */
function numbered(id, number) {
  return id.replace(/\d+$/, String(number));
}

/** A quantity that was typed stays. @param {HTMLInputElement} symbol @param {number} lot */
function takeLot(symbol, lot) {
  const quantity = symbol.closest('[data-symbol-row]')?.querySelector('[name="quantity"]');
  if (quantity instanceof HTMLInputElement && quantity.value === '') quantity.value = String(lot);
}

/** @param {string} text */
async function suggest(text) {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(`/strategies/symbols?${new URLSearchParams({ q: text })}`, {
      headers: { Accept: 'application/json' },
      signal: asking.signal,
    });
    if (!answer.ok) return;
    const { choices } = await answer.json();
    for (const { name, lotSize } of choices) lots.set(name, lotSize);
    options?.replaceChildren(...choices.map(toOption));
  } catch {
    // The next letter asks again; the form works without suggestions.
  }
}

/** @param {{ name: string, text: string }} choice */
function toOption({ name, text }) {
  const option = document.createElement('option');
  option.value = name;
  option.textContent = text;
  return option;
}
