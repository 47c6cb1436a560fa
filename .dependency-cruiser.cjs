/**
 * Imports point one way (docs/architecture.md): core <- storage, http <- revocation <- sessions <- features
 * <- admin, monitoring <- compose <- app <- boot, and a feature never imports another feature. Administrators' pages and
 * monitoring may read what features export. A new folder under src/ is a feature unless it is named here. Type imports
 * count as imports.
 */
const BELOW = 'core|storage|http|revocation|sessions';
const ABOVE = 'admin|monitoring';
const FEATURE = `^src/(?!(?:${BELOW}|${ABOVE}|boot|cli)/)([^/]+)/`;
const FEATURE_OR_ABOVE = `^src/(?!(?:${BELOW}|boot|cli)/)([^/]+)/`;
const COMPOSITION = '^src/(?:compose|app|main|route-policies)\\.ts$|^src/(?:cli|boot)/';

/** Forbids a folder every import from src/ that is not listed. */
const mayImportOnly = (room, ...allowed) => ({
  name: `${room}-imports-downwards`,
  comment: `src/${room} may import from src/ only: ${[room, ...allowed].join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [room, ...allowed].map((name) => `^src/${name}(?:/|\\.ts$)`) },
});

/** Forbids a package to everyone but the places listed. */
const packageOnlyIn = (name, places, comment) => ({
  name: `${name}-stays-in-its-folder`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  to: { path: `(?:^|/)node_modules/(?:@types/)?${name}/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment:
        'Two modules that need each other are one module. Types are gone at run time and may be shared.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-is-pure',
      comment: 'src/core decides and does nothing: no package but luxon, no part of Node, no other folder.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: ['^src/core/', '(?:^|/)node_modules/(?:@types/)?luxon/'] },
    },
    mayImportOnly('storage', 'core', 'errors'),
    mayImportOnly('http', 'core', 'errors'),
    mayImportOnly('revocation', 'core', 'storage', 'http', 'errors'),
    mayImportOnly('sessions', 'core', 'storage', 'http', 'revocation', 'errors'),
    {
      name: 'features-stay-apart',
      comment: 'A feature that needs another one gets it handed over by compose.ts.',
      severity: 'error',
      from: { path: FEATURE },
      to: { path: FEATURE_OR_ABOVE, pathNot: '^src/$1/' },
    },
    {
      name: 'features-import-downwards',
      comment:
        'A feature knows core, storage, http, revocation, sessions and errors, and nothing of how the server is composed.',
      severity: 'error',
      from: { path: FEATURE_OR_ABOVE },
      to: { path: ['^src/(?:cli|boot)/', '^src/[^/]+\\.ts$'], pathNot: '^src/errors\\.ts$' },
    },
    {
      name: 'only-the-composition-imports-features',
      comment:
        'compose.ts, app.ts, boot/ and the command line put the features together; nothing else names one.',
      severity: 'error',
      from: { path: '^src/', pathNot: [COMPOSITION, FEATURE_OR_ABOVE] },
      to: { path: FEATURE_OR_ABOVE },
    },
    {
      name: 'nothing-imports-the-entries',
      comment: 'main.ts and cli/main.ts do work when they are loaded.',
      severity: 'error',
      from: {},
      to: { path: '^src/(?:cli/)?main\\.ts$' },
    },
    packageOnlyIn('better-sqlite3', ['^src/storage/'], 'Everything else speaks Kysely.'),
    packageOnlyIn('pg', ['^src/storage/'], 'Everything else speaks Kysely.'),
    packageOnlyIn('nodemailer', ['^src/mail/'], 'Everything else puts mail into the queue.'),
    packageOnlyIn(
      'kysely',
      ['^src/storage/', '-store\\.ts$'],
      'SQL appears in src/storage and in *-store.ts only.',
    ),
    {
      name: 'ioredis-stays-in-its-folder',
      comment: 'Connections to Redis are made in src/storage only; its types may travel.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: { path: '(?:^|/)node_modules/ioredis/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-development-packages',
      comment: 'devDependencies are not there in production.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '(?:^|/)node_modules/@types/' },
    },
    {
      name: 'no-unlisted-packages',
      comment: 'A package that is only there because another one needs it can vanish with the next update.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '(?:^|/)node_modules/@types/' },
    },
    {
      name: 'no-broken-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      comment:
        'A module that neither main.ts nor the command line reaches is dead: remove it. Threads are started by the name of their file.',
      severity: 'error',
      from: { path: '^src/(?:cli/)?main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(?:cli/)?main\\.ts$|-worker\\.ts$', reachable: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
