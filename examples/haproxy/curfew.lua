-- Lets requests through to tools as Curfew decides. For HAProxy 2.6 or newer with Lua; docs/gateway.md shows its use:
--   global:               setenv CURFEW http://127.0.0.1:5000
--                         lua-load-per-thread /etc/haproxy/curfew.lua
--   each tool's backend:  http-request lua.curfew https://notebook.example.com
-- The tool's address is written there, and not taken from the request: what is asked about is what is reached.

local curfew = os.getenv('CURFEW')
assert(curfew, 'curfew.lua needs the address of Curfew, in front of it: setenv CURFEW http://127.0.0.1:5000')

local ANSWERED_WITHIN_MS = 5000

-- What says who asks, and in what form they can read the answer. Nothing else of a request goes to Curfew.
local TOLD = {
  'cookie', 'authorization', 'x-api-key', 'accept', 'accept-language', 'user-agent', 'x-requested-with',
  'sec-fetch-mode', 'sec-websocket-key',
}

local IDENTITY = { 'remote-user', 'remote-groups', 'remote-email', 'x-curfew-session-ends', 'x-curfew-identity' }

-- Of the connection to Curfew, and not of the answer.
local OF_ITS_CONNECTION = {
  ['connection'] = true, ['content-length'] = true, ['keep-alive'] = true, ['transfer-encoding'] = true,
}

local SESSION_COOKIES = { ['curfew'] = true, ['__Host-curfew'] = true, ['__Secure-curfew'] = true }

-- HAProxy counts the values of a header from 0.
local function all_of(values)
  local list = {}
  for index = 0, #values do
    if values[index] ~= nil then list[#list + 1] = values[index] end
  end
  return list
end

local function question(txn, scheme, host)
  local headers = txn.http:req_get_headers()
  local told = {
    ['x-forwarded-method'] = { txn.sf:method() },
    ['x-forwarded-proto'] = { scheme },
    ['x-forwarded-host'] = { host },
    ['x-forwarded-uri'] = { txn.sf:pathq() },
    ['x-forwarded-for'] = { txn.sf:src() },
  }
  for _, name in ipairs(TOLD) do
    if headers[name] ~= nil then told[name] = all_of(headers[name]) end
  end
  return told
end

local function refuse(txn, answer)
  local headers = {}
  for name, values in pairs(answer.headers) do
    if not OF_ITS_CONNECTION[name] then headers[name] = all_of(values) end
  end
  txn:done({ status = answer.status, reason = answer.reason, headers = headers, body = answer.body })
end

local function refuse_without_answer(txn)
  txn:done({
    status = 503,
    headers = { ['cache-control'] = { 'no-store' }, ['retry-after'] = { '5' }, ['content-type'] = { 'text/plain' } },
    body = 'Curfew does not answer. Try again in a moment.\n',
  })
end

-- Some tools read `_`, `.` and other signs in a header's name as `-`.
local function says_who_asks(name)
  return name:find('^remote[^%a%d]') ~= nil or name:find('^x[^%a%d]curfew[^%a%d]') ~= nil
end

local function without_session(cookies)
  local kept = {}
  for cookie in cookies:gmatch('[^;]+') do
    local name = cookie:match('^%s*([^=]*)')
    if not SESSION_COOKIES[name] then kept[#kept + 1] = cookie:match('^%s*(.*)$') end
  end
  return table.concat(kept, '; ')
end

local function is_key(name, value)
  if name == 'authorization' then return value:lower():find('^bearer +cfw_') ~= nil end
  return name == 'x-api-key' and value:find('^%s*cfw_') ~= nil
end

-- What a tool gets of a header's values; the session and API keys of Curfew are no tool's.
local function for_tool(name, values)
  local kept = {}
  for _, value in ipairs(values) do
    if name == 'cookie' then value = without_session(value) end
    if value ~= '' and not is_key(name, value) then kept[#kept + 1] = value end
  end
  return kept
end

local function prepare(txn, answer)
  for name, values in pairs(txn.http:req_get_headers()) do
    if says_who_asks(name) then txn.http:req_del_header(name) end
    if name == 'cookie' or name == 'authorization' or name == 'x-api-key' then
      txn.http:req_del_header(name)
      for _, value in ipairs(for_tool(name, all_of(values))) do txn.http:req_add_header(name, value) end
    end
    -- An upgrade to h2c would be a tunnel past every rule.
    if name == 'upgrade' and all_of(values)[1]:lower() ~= 'websocket' then txn.http:req_del_header(name) end
  end
  for _, name in ipairs(IDENTITY) do
    local values = answer.headers[name]
    if values ~= nil then txn.http:req_set_header(name, all_of(values)[1]) end
  end
end

-- All answers of Curfew have a request id. Without one it is HAProxy that says why there is none: 502 where Curfew had closed
-- each connection that was tried, as it does with idle ones, and then a second question may be answered.
local function ask(question)
  for _ = 1, 2 do
    local answer = core.httpclient():get({
      url = curfew .. '/authz/forward', headers = question, timeout = ANSWERED_WITHIN_MS,
    })
    if answer ~= nil and answer.headers ~= nil and answer.headers['x-request-id'] ~= nil then return answer end
    local status = answer and answer.status
    core.Warning('Curfew did not answer whether a request may pass (' .. tostring(status) .. ')')
    if status ~= 502 then return nil end
  end
  return nil
end

core.register_action('curfew', { 'http-req' }, function(txn, origin)
  local scheme, host = origin:match('^(https?)://([^/]+)$')
  assert(scheme, 'http-request lua.curfew needs the address of the tool, such as https://notebook.example.com')
  local answer = ask(question(txn, scheme, host))
  if answer == nil then return refuse_without_answer(txn) end
  if answer.status ~= 200 then return refuse(txn, answer) end
  prepare(txn, answer)
end, 1)
