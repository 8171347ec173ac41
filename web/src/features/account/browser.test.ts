import { expect, test } from 'vitest'
import { browserName, networkName } from './browser'

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox, Linux'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge, Windows'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604', 'Safari, iOS'],
  ['curl/8.0', ''],
])('%s is %j', (agent, name) => {
  expect(browserName(agent)).toBe(name)
})

test.each([
  ['192.0.2.0/24', '192.0.2.…'],
  ['2001:db8:1::/48', '2001:db8:1:…'],
  ['127.0.0.0/24', undefined],
  ['::1', undefined],
  ['unknown', 'unknown'],
])('the network %s is shown as %s', (source, name) => {
  expect(networkName(source)).toBe(name)
})
