const KEY = 'curfew-kept-text';
const KEPT_MS = 12 * 60 * 60_000;
const TEXT_TYPES = new Set([
  'text',
  'search',
  'email',
  'url',
  'tel',
  'number',
  'date',
  'time',
  'datetime-local',
]);

/**
 * Text that was typed into a form that was not taken, in this tab alone. Another person who signs in here does not get it.
 * @typedef {{ name: string, index: number, value: string, checked: boolean }} KeptField
 * @typedef {{ user: string, path: string, at: number, fields: readonly KeptField[] }} KeptText
 */

/** Keeps what was typed and not sent, but no secret: password fields, and the fields that sign people in, are left out. */
export function keepText() {
  const typed = typedText();
  if (typed !== undefined) write(typed);
}

/** Offers what was kept for this page. */
export function offerKeptText() {
  const kept = read();
  if (kept === undefined) return;
  if (kept.user !== currentUser() || Date.now() - kept.at > KEPT_MS) return forget();
  if (kept.path === location.pathname) offer(kept);
}

/** @param {KeptText} kept */
function offer(kept) {
  const section = document.querySelector('[data-kept-text]');
  if (!(section instanceof HTMLElement)) return;
  section.hidden = false;
  const close = () => {
    section.hidden = true;
    forget();
  };
  section.querySelector('[data-kept-restore]')?.addEventListener('click', () => {
    putBack(kept);
    close();
  });
  section.querySelector('[data-kept-discard]')?.addEventListener('click', close);
}

/** @param {KeptText} kept */
function putBack({ fields }) {
  forget();
  for (const { name, index, value, checked } of fields) {
    const field = fieldsNamed(name)[index];
    if (field === undefined) continue;
    if (isChoice(field)) field.checked = checked;
    else field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

/** @returns {KeptText | undefined} */
function typedText() {
  const user = currentUser();
  const fields = keepableFields()
    .filter(hasChanged)
    .map((field) => ({
      name: field.name,
      index: fieldsNamed(field.name).indexOf(field),
      value: field.value,
      checked: isChoice(field) && field.checked,
    }));
  if (fields.length === 0 || user === undefined) return undefined;
  return { user, path: location.pathname, at: Date.now(), fields };
}

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/** @returns {readonly Field[]} */
function keepableFields() {
  const fields = document.querySelectorAll('main input[name], main textarea[name], main select[name]');
  return /** @type {Field[]} */ ([...fields]).filter(mayBeKept);
}

/** @param {string} name */
const fieldsNamed = (name) => keepableFields().filter((field) => field.name === name);

/** @param {Field} field */
function mayBeKept(field) {
  if (field.name === '_csrf' || field.closest('[data-secret]') !== null) return false;
  if (/password|one-time-code|username/.test(field.autocomplete)) return false;
  return !(field instanceof HTMLInputElement) || TEXT_TYPES.has(field.type) || isChoice(field);
}

/**
 * @param {Field} field
 * @returns {field is HTMLInputElement}
 */
function isChoice(field) {
  return field instanceof HTMLInputElement && (field.type === 'checkbox' || field.type === 'radio');
}

/** @param {Field} field */
function hasChanged(field) {
  if (isChoice(field)) return field.checked !== field.defaultChecked;
  if (!(field instanceof HTMLSelectElement)) return field.value !== field.defaultValue;
  const chosen = [...field.options].findIndex(({ defaultSelected }) => defaultSelected);
  return field.selectedIndex !== Math.max(0, chosen);
}

function currentUser() {
  const strip = document.querySelector('[data-session-strip]');
  return strip instanceof HTMLElement ? strip.dataset['user'] : undefined;
}

/** @param {KeptText} kept */
function write(kept) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that stores nothing keeps nothing.
  }
}

/** @returns {KeptText | undefined} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '') ?? undefined;
  } catch {
    return undefined;
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing is stored there.
  }
}
