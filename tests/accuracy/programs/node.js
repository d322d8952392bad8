// SPDX-License-Identifier: Apache-2.0
const fs = require('fs'), crypto = require('crypto'), http = require('http'), tls = require('tls'), vm = require('vm'), zlib = require('zlib');
const inputs = process.argv[2];
const kept = global.kept = [];

kept.push(JSON.parse(fs.readFileSync(inputs + '/big.json')));
for (let i = 0; i < 40; i++)
    kept.push(tls.createSecureContext({ key: fs.readFileSync(inputs + '/key.pem'), cert: fs.readFileSync(inputs + '/cert.pem') }));
for (let i = 0; i < 60; i++)
    kept.push(zlib.createDeflate());
for (let i = 0; i < 3000; i++)
    kept.push(crypto.createHash('sha256').update('x' + i));
for (let i = 0; i < 4000; i++)
    kept.push(Buffer.alloc(9000 + i % 800, 'a'));
for (let i = 0; i < 30; i++)
    kept.push(vm.createContext({ i }));
for (let i = 0; i < 500; i++)
    kept.push(new Intl.NumberFormat('de', { style: 'currency', currency: 'EUR' }), new Intl.DateTimeFormat('en'));
const server = http.createServer((request, response) => response.end('x'));
server.listen(0, '127.0.0.1', () => {
    let n = 0;
    for (let i = 0; i < 80; i++)
        http.get({ host: '127.0.0.1', port: server.address().port, agent: new http.Agent({ keepAlive: true }) }, response => {
            response.resume();
            response.on('end', () => { if (++n == 80) console.log('ready'); });
        });
});
setInterval(() => 0, 1000);
