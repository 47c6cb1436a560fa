for (const button of document.querySelectorAll('[data-copy]')) {
  const source = document.getElementById(button.getAttribute('data-copy') ?? '');
  const told = button.parentElement?.querySelector('[data-copied]');
  // Browsers offer the clipboard on https and on this very machine only; the text can still be selected.
  if (!(button instanceof HTMLButtonElement) || source === null || !navigator.clipboard) continue;

  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(source.textContent ?? '');
    if (told) told.textContent = 'Copied';
  });
  button.hidden = false;
}
