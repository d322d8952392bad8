# SPDX-License-Identifier: Apache-2.0
require 'bigdecimal'
require 'digest'
require 'json'
require 'nokogiri'
require 'openssl'
require 'psych'
require 'socket'
require 'stringio'
require 'yaml'
require 'zlib'

inputs = ARGV[0]
$kept = [JSON.parse(File.read(inputs + '/big.json'))]
$kept << Nokogiri::XML(File.read(inputs + '/big.xml'))
$kept << (1..600).map { |i| Nokogiri::HTML("<html><body><p id=#{i}>hi <b>x</b></p>" + '<a href=z>y</a>' * 20) }
$kept << (1..40).map { OpenSSL::SSL::SSLContext.new.tap { |c| c.set_params } }
$kept << (1..15).map { OpenSSL::PKey::RSA.new(1024) }
$kept << (1..800).map { |i| OpenSSL::X509::Name.parse("/CN=a#{i}/O=b") }
$kept << (1..60).map { Zlib::Deflate.new }
$kept << (1..60000).map { |i| 'string number %d ' % i * (1 + i % 9) }
$kept << (1..20000).map { |i| { i => [i, i.to_s, i * 1.5] * 3 } }
$kept << YAML.load((1..3000).map { |i| "k#{i}: [a, b, #{i}]" }.join("\n"))
$kept << (1..3000).map { |i| Regexp.new("a#{i}[b-z]+(c|d)*") }
GC.start
puts 'ready'
$stdout.flush
sleep 3600
