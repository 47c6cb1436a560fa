import { estimateBits, strengthOf } from './password-estimate.js';

const WORDS = {
  weak: 'Weak: a guesser may find it. Make it longer, such as four unrelated words.',
  fair: 'Fair. One more word makes it strong.',
  strong: 'Strong, unless you use it elsewhere.',
};

for (const told of document.querySelectorAll('[data-strength-of]')) {
  const input = document.getElementById(told.getAttribute('data-strength-of') ?? '');
  if (!(input instanceof HTMLInputElement) || !(told instanceof HTMLElement)) continue;
  const known = () =>
    [...(input.form?.elements ?? [])].flatMap((other) =>
      other instanceof HTMLInputElement && ['username', 'email'].includes(other.name)
        ? other.value.split('@')
        : [],
    );
  input.addEventListener('input', () => {
    told.hidden = input.value === '';
    const strength = strengthOf(estimateBits(input.value, known()));
    told.dataset['strength'] = strength;
    told.textContent = WORDS[strength];
  });
}
