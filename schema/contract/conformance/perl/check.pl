# Runs every vector through the C++ validator of Sourcemeta and the denylist:
# check.pl CONTRACT_DIRECTORY COMMAND..., which starts that validator. One JSON line a vector. Needs nothing but Perl's own modules.

use v5.20;
use warnings;
use feature 'signatures';
no warnings 'experimental::signatures';

use Encode ();
use File::Temp ();
use FindBin;
use JSON::PP;
use MIME::Base64 ();
use lib $FindBin::Bin;
use Denylist;

my ($folder, @command) = @ARGV;
my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %schemas = map { ($_ => load("$_.schema.json")) } qw(run-manifest telemetry);
my $denylist = Denylist->new(load('denylist.json'), values %schemas);
my $scratch = File::Temp->newdir;

my @groups = map { @{ load('vectors/' . s{.*/}{}r) } } sort glob "$folder/vectors/*.json";
my @results = map { my $group = $_; map { check($group->{schema}, $_) } @{ $group->{tests} } } @groups;
my %accepted = map { $_ => 1 } map { accepted($_) } keys %schemas;
for my $result (@results) {
    my $readable = delete $result->{readable};
    $result->{schema_accepts} = $readable ? ($accepted{ $result->{vector} } ? JSON::PP::true : JSON::PP::false) : undef;
    say $json->encode($result);
}

sub load ($path) {
    open my $file, '<:raw', "$folder/$path" or die "$path: $!";
    local $/;
    return $json->decode(<$file>);
}

# What the denylist says; what can be read is laid out for the validator.
sub check ($schema, $vector) {
    my $name = $vector->{description} =~ s/: .*//sr;
    my $bytes = exists $vector->{raw_base64} ? MIME::Base64::decode_base64($vector->{raw_base64})
        : exists $vector->{raw} ? Encode::encode('UTF-8', $vector->{raw})
        : $json->encode($vector->{document});
    my ($value, @tripped) = $denylist->read_document($bytes);
    @tripped = $denylist->walk($$value) if $value && !@tripped;
    if ($value) {
        mkdir "$scratch/$schema";
        open my $file, '>:raw', "$scratch/$schema/$name.json" or die "$name: $!";
        print {$file} $bytes;
    }
    return { vector => $name, readable => defined $value, tripped => \@tripped };
}

# The vectors of a kind that the validator accepts, formats asserted; it names them on standard error.
sub accepted ($kind) {
    my @laid_out = glob "$scratch/$kind/*.json";
    my $schema = "$folder/$kind.schema.json";
    my @options = qw(--format-assertion --fast --continue --verbose);
    my $line = join ' ', map { quotemeta } @command, 'validate', $schema, "$scratch/$kind", @options;
    my $said = qx{$line 2>&1};
    my ($validated) = $said =~ /^(\d+) validated/m or die "the validator failed: $said";
    $validated == @laid_out or die "the validator left out files: $said";
    return $said =~ m{^ok: .*/([^/\n]+)\.json$}mg;
}
