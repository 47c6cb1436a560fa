import type { Express } from 'express';

/** A route as it was declared, with the methods that it takes. */
export interface DeclaredRoute {
  readonly path: string;
  readonly methods: readonly string[];
}

interface Layer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle?: { readonly stack?: readonly Layer[] };
  /** Whether it stands at `/`. */
  readonly slash?: boolean;
}

/**
 * Every route of the server, from the routers themselves: so a test that goes through all of them cannot forget a new one.
 * Routers here are mounted without a path; one that is not would be missed, and is refused.
 */
export function listRoutes(app: Express): readonly DeclaredRoute[] {
  const routes = new Map<string, Set<string>>();
  collect(app.router.stack as unknown as readonly Layer[], routes);
  return [...routes].map(([path, methods]) => ({ path, methods: [...methods] }));
}

function collect(stack: readonly Layer[], routes: Map<string, Set<string>>): void {
  for (const { route, handle, slash } of stack) {
    if (route === undefined) {
      if (handle?.stack === undefined) continue;
      if (slash !== true) throw new Error('A router is mounted at a path, and its routes are not found');
      collect(handle.stack, routes);
    } else {
      const path = String(route.path);
      const known = routes.get(path) ?? new Set();
      // `_all` is the handler that answers 405.
      for (const method of Object.keys(route.methods)) if (method !== '_all') known.add(method.toUpperCase());
      routes.set(path, known);
    }
  }
}
