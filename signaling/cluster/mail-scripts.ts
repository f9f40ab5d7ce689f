/**
 * What is done to mailboxes inside Redis, each as one step. A box is a stream; an entry holds until when it is kept (milliseconds of
 * Redis's clock) and the item. Beside it stand the bytes of each box (`sizes`), the totals (`total`: bytes, items) and until when the
 * last item of each box is kept (`boxes`).
 */
export const mailKeys = { boxes: 'hn:mail:boxes', sizes: 'hn:mail:sizes', total: 'hn:mail:total' } as const;
export const streamKey = (box: string): string => `hn:mail:box:${box}`;

const clockLines = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Takes entries away from the oldest on while `drop` says so. */
const dropOldest = `
local function dropOldest(stream, box, cost, drop)
  local bytes = tonumber(redis.call('HGET', 'hn:mail:sizes', box) or '0')
  local freed, count, isDone = 0, 0, false
  while not isDone do
    local page = redis.call('XRANGE', stream, '-', '+', 'COUNT', 16)
    isDone = #page == 0
    for _, entry in ipairs(page) do
      if not drop(entry, bytes - freed) then isDone = true break end
      redis.call('XDEL', stream, entry[1])
      freed = freed + #entry[2][4] + cost
      count = count + 1
    end
  end
  if count > 0 then
    redis.call('HINCRBY', 'hn:mail:sizes', box, -freed)
    redis.call('HINCRBY', 'hn:mail:total', 'bytes', -freed)
    redis.call('HINCRBY', 'hn:mail:total', 'items', -count)
  end
end`;

/**
 * KEYS stream, boxes, sizes, total; ARGV box, item, keep ms, cost of an item beside its bytes, bytes of a box, bytes in all.
 * The box is a ring: its oldest items make room. Answers {kept 0 or 1, bytes in all, items in all}.
 */
export const putScript = `${clockLines}
${dropOldest}
local box, item, cost = ARGV[1], ARGV[2], tonumber(ARGV[4])
local size = #item + cost
local function totalOf(field) return tonumber(redis.call('HGET', KEYS[4], field) or '0') end
dropOldest(KEYS[1], box, cost, function(entry, bytes)
  return bytes + size > tonumber(ARGV[5]) or tonumber(entry[2][2]) <= now
end)
if totalOf('bytes') + size > tonumber(ARGV[6]) then return {0, totalOf('bytes'), totalOf('items')} end
local keptUntil = now + tonumber(ARGV[3])
redis.call('XADD', KEYS[1], '*', 'until', string.format('%.0f', keptUntil), 'item', item)
redis.call('HINCRBY', KEYS[3], box, size)
redis.call('HINCRBY', KEYS[4], 'items', 1)
local bytes = redis.call('HINCRBY', KEYS[4], 'bytes', size)
redis.call('ZADD', KEYS[2], 'GT', string.format('%.0f', keptUntil), box)
return {1, bytes, totalOf('items')}`;

/**
 * KEYS stream; ARGV the entry id to begin after ('' from the beginning), items, bytes and entries looked through at most.
 * Answers {last entry looked at, 1 when there is more, items}.
 */
export const takeScript = `${clockLines}
local cursor, most, bytesMax = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local items, used, looked = {}, 0, 0
while true do
  local page = redis.call('XRANGE', KEYS[1], cursor == '' and '-' or '(' .. cursor, '+', 'COUNT', 16)
  if #page == 0 then return {cursor, 0, items} end
  for _, entry in ipairs(page) do
    local item = entry[2][4]
    if tonumber(entry[2][2]) > now then
      if #items >= most or (#items > 0 and used + #item > bytesMax) then return {cursor, 1, items} end
      items[#items + 1] = item
      used = used + #item
    end
    cursor = entry[1]
    looked = looked + 1
    if looked >= tonumber(ARGV[4]) then return {cursor, 1, items} end
  end
end`;

/** KEYS boxes, sizes, total; ARGV boxes at most, cost of an item. Clears boxes whose last item has had its time. Answers {bytes, items}. */
export const sweepScript = `${clockLines}
${dropOldest}
for _, box in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local stream = 'hn:mail:box:' .. box
  dropOldest(stream, box, tonumber(ARGV[2]), function() return true end)
  redis.call('DEL', stream)
  redis.call('HDEL', KEYS[2], box)
  redis.call('ZREM', KEYS[1], box)
end
return {tonumber(redis.call('HGET', KEYS[3], 'bytes') or '0'), tonumber(redis.call('HGET', KEYS[3], 'items') or '0')}`;
