# SPDX-License-Identifier: Apache-2.0
use strict;
use B;
use Compress::Zlib;
use Data::Dumper;
use Digest::SHA;
use Encode;
use File::Find;
use Hash::Util;
use IO::Socket;
use List::Util;
use PerlIO::scalar;
use POSIX;
use Socket;
use Storable;
use threads;
use Time::HiRes;
use Unicode::Normalize;

my ($inputs) = @ARGV;
my %kept;
open(my $f, '<', "$inputs/big.xml") or die;
while (<$f>) {
    my @parts = split /[<> ="]+/;
    $kept{lines}[$.] = [@parts[0 .. 8]];
    $kept{id}{$parts[2]}{$parts[4] // ''} = $_;
    last if $. > 25000;
}
$kept{sha} = [map { my $d = Digest::SHA->new(256); $d->add($_); $d } 1 .. 3000];
$kept{z} = [map { scalar deflateInit() } 1 .. 60];
$kept{clone} = Storable::dclone($kept{id});
$kept{re} = [map { qr/a$_(b|c)+\d{1,$_}/ } 1 .. 2000];
$kept{text} = [map { Encode::decode('UTF-8', "str \xc3\xa9 $_" x 10) } 1 .. 10000];
$kept{sub} = [map { my $n = $_; eval "sub { my \$x = shift; return \$x + $n }" } 1 .. 2000];
$| = 1;
print "ready\n";
sleep 3600;
