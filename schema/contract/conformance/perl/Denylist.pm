# The denylist, from denylist.json alone. The schemas only tell which segments of a pointer need no mask.
package Denylist;

use v5.20;
use warnings;
use feature 'signatures';
no warnings 'experimental::signatures';

use B ();
use Encode ();
use JSON::PP ();
use MIME::Base64 ();
use Unicode::Normalize ();

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
    my $steps = $values->{decodings}{steps};
    return bless {
        %$values, %{ $values->{decodings} }, limits => $rules->{document}, keys => $keys,
        known => { map { $_ => 1 } map { property_names($_) } @schemas },
        key_shape => compiled($keys->{shape_pattern}),
        exempt => { map { my $at = $_; map { ($at . $_->{pointer} => 1) } @{ $keys->{exempt} } } @{ $keys->{exempt_prefixes} } },
        tokens => { map { $_ => 1 } @{ $keys->{tokens} } },
        sequences => { map { ("@$_" => 1) } @{ $keys->{sequences} } },
        innocent => { map { $_ => 1 } @{ $values->{innocent_words} } },
        shapes => [map { compiled($_->{pattern}) } @{ $values->{innocent_shapes} }],
        patterns => [map { [$_->{id}, compiled($_->{pattern}, $_->{ignore_case})] } @{ $values->{rules} }],
        piece => compiled($values->{decodings}{piece_pattern}),
        text => compiled($values->{decodings}{text_pattern}),
        step => { map { ($_->{id} => compiled($_->{pattern})) } grep { $_->{pattern} } @$steps },
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
    my $words = $self->plain($key);
    $words =~ s/([a-z0-9])([A-Z])/$1 $2/g;
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

sub value_rules ($self, $text, $depth = 0) {
    return () if $self->{innocent}{$text} || grep { $text =~ $_ } @{ $self->{shapes} };
    my %found = map { ($_->[0] => 1) } grep { $text =~ $_->[1] } @{ $self->{patterns} };
    if ($depth < $self->{max_depth}) {
        $found{$_} = 1 for map { $self->value_rules($_, $depth + 1) } $self->decoded($text);
    }
    return sort keys %found;
}

sub plain ($self, $text) {
    my $invisible = sub ($code) { grep { $_->[0] <= $code && $code <= $_->[1] } @{ $self->{invisible} } };
    return join '', grep { !$invisible->(ord) } split //, Unicode::Normalize::NFKC($text);
}

sub decoded ($self, $text) {
    my @forms = grep { $_ ne $text } $self->plain($text);
    if ($text =~ $self->{step}{percent}) {
        my $bytes = Encode::encode('UTF-8', $text) =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
        push @forms, grep { defined } eval { Encode::decode('UTF-8', $bytes, Encode::FB_CROAK) };
    }
    for my $part ($text, $text =~ /($self->{piece})/g) {
        my $body = $part =~ tr{-_}{+/}r =~ s/=+$//r;
        my @bytes;
        push @bytes, MIME::Base64::decode_base64($body . '=' x (-length($body) % 4))
            if $part =~ $self->{step}{base64} && length($body) % 4 != 1;
        push @bytes, pack 'H*', $part =~ s/^0x//r if $part =~ $self->{step}{hex};
        push @forms, grep { $_ =~ $self->{text} } @bytes;
    }
    return @forms;
}

1;
