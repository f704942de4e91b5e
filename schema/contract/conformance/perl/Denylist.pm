# The denylist, from denylist.json alone. The schemas only tell which segments of a pointer need no mask.
package Denylist;

use v5.20;
use warnings;
use feature 'signatures';
no warnings 'experimental::signatures';

use B ();
use Encode ();
use JSON::PP ();

# Perl's `$` also matches before a trailing line feed; `\z` does not.
sub compiled ($pattern, $ignore_case = 0) {
    $pattern =~ s/(?<!\\)\$/\\z/g;
    return $ignore_case ? qr/$pattern/iaa : qr/$pattern/aa;
}

sub property_names ($schema) {
    return map { property_names($_) } @$schema if ref $schema eq 'ARRAY';
    return () unless ref $schema eq 'HASH';
    return (keys %{ $schema->{properties} // {} }, map { property_names($_) } values %$schema);
}

sub new ($class, $rules, @schemas) {
    my ($keys, $values) = @$rules{qw(keys values)};
    return bless {
        limits => $rules->{document}, keys => $keys,
        known => { map { $_ => 1 } map { property_names($_) } @schemas },
        key_shape => compiled($keys->{shape_pattern}),
        exempt => { map { my $at = $_; map { ($at . $_->{pointer} => 1) } @{ $keys->{exempt} } } @{ $keys->{exempt_prefixes} } },
        tokens => { map { $_ => 1 } @{ $keys->{tokens} } },
        sequences => { map { ("@$_" => 1) } @{ $keys->{sequences} } },
        innocent => { map { $_ => 1 } @{ $values->{innocent_words} } },
        shapes => [map { compiled($_->{pattern}) } @{ $values->{innocent_shapes} }],
        patterns => [map { [$_->{id}, compiled($_->{pattern}, $_->{ignore_case})] } @{ $values->{rules} }],
    }, $class;
}

sub masked ($self, @path) {
    return join '', map { '/' . (ref $_ ? $$_ : $self->{known}{$_} ? $_ : '*') } @path;
}

# The document, and the first rule about it as a whole that trips with its pointer. Indexes are references in a path.
sub read_document ($self, $bytes) {
    return (undef, ['size', '']) if length $bytes > $self->{limits}{max_bytes};
    my $text = eval { Encode::decode('UTF-8', $bytes, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    return (undef, ['utf8', '']) unless defined $text;
    my $value;
    my $read = $text !~ /^\x{FEFF}/ && eval { $value = JSON::PP->new->allow_nonref->decode($text); 1 };
    return (undef, ['syntax', '']) unless $read;
    return (\$value, $self->structure($text));
}

# JSON::PP keeps the last of two equal keys silently, so the tokens are looked at as well.
sub structure ($self, $text) {
    my (@levels, $awaits_key);
    my $at = sub ($rule) { [$rule, $self->masked(map { $_->{keys} ? $_->{key} : \"$_->{index}" } @levels)] };
    while ($text =~ /("(?:[^"\\]|\\.)*"|[{}\[\],])/gs) {
        my $token = $1;
        if ($token =~ /^[{\[]/) {
            return $at->('depth') if @levels == $self->{limits}{max_depth};
            push @levels, $token eq '{' ? { keys => {} } : { index => 0 };
            $awaits_key = $token eq '{';
        } elsif ($token =~ /^[}\]]/) {
            pop @levels;
            $awaits_key = 0;
        } elsif ($token eq ',') {
            $awaits_key = $levels[-1]{keys};
            $levels[-1]{index}++ unless $awaits_key;
        } elsif ($awaits_key) {
            $levels[-1]{key} = JSON::PP->new->allow_nonref->decode($token);
            return $at->('duplicate_key') if $levels[-1]{keys}{ $levels[-1]{key} }++;
            $awaits_key = 0;
        }
    }
    return ();
}

sub is_string ($value) {
    return defined $value && !ref $value && (B::svref_2object(\$value)->FLAGS & B::SVp_POK);
}

# Every rule for keys and values that trips, with its masked pointer.
sub walk ($self, $value, @path) {
    return map { [$_, $self->masked(@path)] } $self->value_rules($value) if is_string($value);
    return map { $self->walk($value->[$_], @path, \"$_") } 0 .. $#$value if ref $value eq 'ARRAY';
    return () unless ref $value eq 'HASH';
    return map {
        my $pointer = $self->masked(@path, $_);
        ((map { [$_, $pointer] } $self->key_rules($_, $pointer)), $self->walk($value->{$_}, @path, $_))
    } sort keys %$value;
}

sub key_rules ($self, $key, $pointer) {
    my $keys = $self->{keys};
    my @found = $key =~ $self->{key_shape} ? () : $keys->{shape}{id};
    my $words = $key =~ s/([a-z0-9])([A-Z])/$1 $2/gr;
    $words =~ s/([A-Z])([A-Z][a-z])/$1 $2/g;
    my @forms = map { [forms_of(lc)] } grep { length } split /[^A-Za-z0-9]+/, $words;
    return @found if $self->{exempt}{$pointer};
    push @found, $keys->{token}{id} if grep { $self->{tokens}{$_} } map { @$_ } @forms;
    my @pairs = map { my $i = $_; map { my $first = $_; map { "$first $_" } @{ $forms[$i + 1] } } @{ $forms[$i] } } 0 .. $#forms - 1;
    push @found, $keys->{sequence}{id} if grep { $self->{sequences}{$_} } @pairs;
    return @found;
}

sub forms_of ($word) {
    return map { ($_, s/s$//r, s/es$//r, s/ies$/y/r) } $word, $word =~ s/[0-9]+$//r;
}

sub value_rules ($self, $text) {
    return () if $self->{innocent}{$text} || grep { $text =~ $_ } @{ $self->{shapes} };
    return map { $_->[0] } grep { $text =~ $_->[1] } @{ $self->{patterns} };
}

1;
