import { createRulesFile } from '../support/rules-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { cookieOf, TOOL_HOST } from './relay-client.ts';
import { startTool, type ToolServer } from './tool-server.ts';

export interface RelayedTool {
  readonly server: TestServer;
  readonly tool: ToolServer;
  readonly asha: Visitor;
  /** Of asha's session. */
  readonly cookie: string;
  close(): Promise<void>;
}

/** A server with a tool behind its relay, and a user who is signed in. `more`: further rules, in front. */
export async function startRelayedTool(more: (tool: string) => string = () => ''): Promise<RelayedTool> {
  const tool = await startTool();
  const rules = createRulesFile(
    `rules:\n${more(tool.origin)}  - { name: tool, host: ${TOOL_HOST}, who: signed-in, upstream: "${tool.origin}" }\n`,
  );
  const server = await startTestServer({ env: { GATEWAY_RULES: rules.path } });
  const asha = createVisitor(server.origin);
  await setUp(asha);
  await signIn(asha);
  return {
    server,
    tool,
    asha,
    cookie: cookieOf(asha),
    async close() {
      await server.close();
      await tool.close();
      rules.remove();
    },
  };
}
