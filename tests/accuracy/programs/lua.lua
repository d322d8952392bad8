-- SPDX-License-Identifier: Apache-2.0
local inputs = arg[1]
kept = {}
local n = 0
for line in io.lines(inputs .. '/big.xml') do
  n = n + 1
  local row = { line = line, words = {} }
  for word in line:gmatch('%w+') do row.words[#row.words + 1] = word end
  kept[n] = row
  if n > 15000 then break end
end
for i = 1, 3000 do
  kept['f' .. i] = function(x) return x + i end
  kept['c' .. i] = coroutine.create(function() coroutine.yield(i) end)
  coroutine.resume(kept['c' .. i])
  kept['l' .. i] = load('return function(a) local t = {a, ' .. i .. '} return t end')()
end
kept.files = {}
for i = 1, 20 do kept.files[i] = io.open(inputs .. '/big.json') kept.files[i]:read(100) end
print('ready')
io.stdout:flush()
io.read('a')
