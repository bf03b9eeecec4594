#!/bin/sh
# Checks this bundle with sha256sum, openssl (3.0 or later) and, for root.ots, ots. Asks no cloud.
#
#   sh verify.sh [-s] [-p POLICY] [-a CERTIFICATES]
#
#   -p  the deployment's policy file, as you obtained it yourself: whose keys count
#   -a  certificates of the time-stamping authorities that you trust, PEM
#   -s  strict: ends with 3 where whose keys these are, or whose stamp, rests on this bundle's word
#   OTS='ots --bitcoin-node URL' names a node of yours for `ots verify`
#
# One line a check: "holds", "open" (rests on somebody's word, or needs another program), "WRONG".
# Ends with 0 if nothing is wrong, with 1 at the first thing that is, with 2 if it cannot run. That
# nothing is wrong is not that all is proven: read what is open, and let programs ask with -s.
# VERIFY.md says what each check is, and how to do it by hand.
set -u
LC_ALL=C
export LC_ALL

policy= authorities= strict= opened=0 words=0
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$PWD" "$1" ;; esac; }
while getopts sp:a: option; do
    case $option in
        s) strict=yes ;;
        p) policy=$(absolute "$OPTARG") ;;
        a) authorities=$(absolute "$OPTARG") ;;
        *) echo "usage: sh verify.sh [-s] [-p POLICY] [-a CERTIFICATES]" >&2; exit 2 ;;
    esac
done
cannot() { echo "verify.sh cannot run: $1" >&2; exit 2; }
for needed in sha256sum openssl; do
    command -v "$needed" > /dev/null || cannot "$needed is not installed"
done
for given in ${policy:+"$policy"} ${authorities:+"$authorities"}; do
    [ -r "$given" ] || cannot "$given cannot be read"
done
cd "$(dirname "$0")" || exit 2
work=${TMPDIR:-/tmp}/ternion-verify.$$
(umask 077 && mkdir "$work") || cannot "$work cannot be made"
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

holds() { printf 'holds  %s: %s\n' "$1" "$2"; }
open() { printf 'open   %s: %s\n' "$1" "$2"; opened=$((opened + 1)); }
word() { open "$1" "$2"; words=$((words + 1)); }
wrong() {
    printf 'WRONG  %s: %s\n\nVERDICT: WRONG. %s: %s\n' "$1" "$2" "$1" "$2"
    exit 1
}
sha256() { sha256sum | cut -d ' ' -f 1; }
digest() { openssl dgst -sha256 -binary; }
says() { grep -q -F -e "$2" "$1" 2> /dev/null; }

# 1. Every file is as it was packed.
[ -f SHA256SUMS ] || wrong SHA256SUMS "it is missing"
grep -q -v '^[0-9a-f]\{64\}  [A-Za-z0-9._/-]*$' SHA256SUMS && wrong SHA256SUMS "it is no list of sums"
find . -type f ! -name SHA256SUMS | sed 's|^\./||' | sort > "$work/found"
sed 's/^[0-9a-f]\{64\}  //' SHA256SUMS 2> /dev/null | sort > "$work/listed"
missing=$(comm -13 "$work/found" "$work/listed" | head -n 1)
[ -z "$missing" ] || wrong "$missing" "SHA256SUMS lists it, and it is not here"
changed=$(sha256sum -c SHA256SUMS 2> /dev/null | sed -n 's/: FAILED.*$//p' | head -n 1)
[ -z "$changed" ] || wrong "$changed" "its SHA-256 is not the one in SHA256SUMS"
sha256sum -c SHA256SUMS > /dev/null 2>&1 || wrong SHA256SUMS "it is no list of sums"
for needed in snapshot.json manifest.json VERIFY.md verify.sh ternion.policy; do
    says "$work/listed" "$needed" || wrong "$needed" "SHA256SUMS does not list it"
done
holds SHA256SUMS "$(wc -l < "$work/listed" | tr -d ' ') files are as they were packed"

# 2. The manifest's SHA-256 is the snapshot's hash.
hash=$(sha256 < manifest.json)
says snapshot.json "\"hash\":\"$hash\"" || wrong manifest.json "its SHA-256 is $hash, and snapshot.json says another hash"
holds manifest.json "its SHA-256 is the snapshot's hash, $hash"

# 3. Clouds signed for it, each with a key of its own.
listed() { # POLICY CLOUD KEY: the key as this policy's log line has it
    sed -n "s|^log [^ ]*/$2/[0-9]*+[0-9a-f]*+\($3\)\([[:space:]].*\)\{0,1\}\$|\1|p" "$1" |
        head -n 1 | grep .
}
anew() { # a policy's key as PEM: after its first byte, which says Ed25519, stand the 32 of the key
    echo '-----BEGIN PUBLIC KEY-----'
    { printf '\060\052\060\005\006\003\053\145\160\003\041\000'
        openssl base64 -d | tail -c 32; } | openssl base64
    echo '-----END PUBLIC KEY-----'
}
clouds= count=0
for cloud in gcp aws azure; do
    folder=attestations/$cloud
    [ -d "$folder" ] || continue
    payload=$({ printf 'ternion/payload/v1\n'; cat "$folder/salt"
        printf '{"hash":"%s","kind":"snapshot.attest","manifest":' "$hash"
        cat manifest.json; printf '}'; } 2> /dev/null | sha256)
    says "$folder/metadata.json" "\"payloadHash\":\"$payload\"" ||
        wrong "$folder/metadata.json" "it is of another payload than this manifest, hash and salt"
    says "$folder/metadata.json" "\"originCloud\":\"$cloud\"" ||
        wrong "$folder/metadata.json" "it is another cloud's"
    { printf 'ternion/event/v1\n'; cat "$folder/metadata.json"; } > "$work/event"
    event=$(sha256 < "$work/event")
    says "$folder/receipt.json" "\"hash\":\"$event\"" ||
        wrong "$folder/receipt.json" "it is of another event than metadata.json"
    { printf 'ternion/event-signature/v1\n'; digest < "$work/event"; } > "$work/message"
    # Of a key nothing counts but these 44 bytes: the fixed beginning of an Ed25519 key, and 32 more.
    der=$(openssl pkey -pubin -in "keys/$cloud.pem" -outform DER 2> /dev/null | od -A n -t x1 -v | tr -d ' \n')
    case $der in
        302a300506032b6570032100*) [ ${#der} -eq 88 ] ;;
        *) false ;;
    esac || wrong "keys/$cloud.pem" "it is no Ed25519 key"
    key=$({ printf '\001'; openssl pkey -pubin -in "keys/$cloud.pem" -outform DER | tail -c 32; } |
        openssl base64 -A)
    listed ternion.policy "$cloud" "$key" > /dev/null ||
        wrong "keys/$cloud.pem" "ternion.policy does not name it as a key of $cloud"
    listed "${policy:-ternion.policy}" "$cloud" "$key" > "$work/line" ||
        wrong "keys/$cloud.pem" "your policy file does not name it as a key of $cloud"
    # Written anew from the policy's line, so that nothing else in the PEM can matter.
    anew < "$work/line" > "$work/key.pem"
    openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/message" \
        -sigfile "$folder/signature" > /dev/null 2>&1 ||
        wrong "$folder/signature" "it is no Ed25519 signature of keys/$cloud.pem for this event"
    holds "$folder" "$cloud signed for this manifest (Ed25519, keys/$cloud.pem)"
    clouds="$clouds${clouds:+, }$cloud" count=$((count + 1))
done
[ "$count" -ge 2 ] || wrong attestations "fewer than two clouds signed for this manifest"
agreed=$(printf '"%s"' "$clouds" | sed 's/, /","/g')
says snapshot.json "\"agreedBy\":[$agreed]" || wrong snapshot.json "it names other clouds than $clouds"
if [ -n "$policy" ]; then
    holds keys "your policy file names them as keys of $clouds"
else
    word keys "whose they are rests on this bundle's word: give your policy file with -p"
fi
# What a bundle has no place for is listed like the rest, and proves nothing.
known='snapshot\.json|manifest\.json|ternion\.policy|SHA256SUMS|VERIFY\.md|verify\.sh|authority\.pem'
known="$known|root\.(ots|tsq|tsr)|bitcoin\.json|bitcoin-calendars\.json|ethereum\.json"
by=$(printf '%s' "$clouds" | sed 's/, /|/g')
known="$known|keys/($by)\.pem|attestations/($by)/(receipt\.json|receipt\.tlog-proof|metadata\.json|signature|salt)"
grep -v -x -E -e "$known" "$work/found" | tr -d '\000-\011\013-\037\177' > "$work/extra"
while IFS= read -r extra; do
    open "$extra" "no part of a bundle; nothing is said of it"
done < "$work/extra"
open VERIFY.md "its words, and those of verify.sh, are no part of what is proven"
open attestations "that the events are final (Merkle proofs, cosignatures) is checked by: ternion verify"

# 4. A time-stamping authority signed for the hash.
seconds() { # Nov 26 03:12:11 2026
    case $1 in
        Jan) m=1 ;; Feb) m=2 ;; Mar) m=3 ;; Apr) m=4 ;; May) m=5 ;; Jun) m=6 ;;
        Jul) m=7 ;; Aug) m=8 ;; Sep) m=9 ;; Oct) m=10 ;; Nov) m=11 ;; *) m=12 ;;
    esac
    d=${2#0} y=$4 s=${3%%.*}
    h=${s%%:*} i=${s#*:} s=${s##*:}
    i=${i%%:*}
    [ "$m" -gt 2 ] || { y=$((y - 1)); m=$((m + 12)); }
    days=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + d - 719469))
    echo $((days * 86400 + ${h#0} * 3600 + ${i#0} * 60 + ${s#0}))
}
when=
if [ -f root.tsr ]; then
    trusted=${authorities:-authority.pem}
    stamped=$(openssl ts -reply -in root.tsr -text 2> /dev/null | sed -n 's/^Time stamp: //p')
    [ -n "$stamped" ] || wrong root.tsr "openssl reads no time stamp in it"
    # shellcheck disable=SC2086 # four words
    at=$(seconds $stamped)
    # As of the stamp's own time: certificates expire, and stamps must not.
    said=$(openssl ts -verify -digest "$hash" -in root.tsr -CAfile "$trusted" -attime "$at" 2>&1) ||
        wrong root.tsr "it does not hold for this hash under $trusted: $(printf '%s\n' "$said" | sed -n 's/.*:ts routines:[^:]*:\([^:]*\).*/\1/p' | head -n 1)"
    if [ -f root.tsq ]; then
        openssl ts -verify -queryfile root.tsq -in root.tsr -CAfile "$trusted" -attime "$at" > /dev/null 2>&1 ||
            wrong root.tsq "root.tsr does not answer it"
    fi
    holds root.tsr "an authority signed for this hash at $stamped"
    when="no later than $stamped by the word of the time-stamping authority"
    [ -n "$authorities" ] ||
        word authority.pem "that the authority is one to trust rests on this bundle's word: give certificates that you trust with -a"
fi

# 5. Chains.
if [ -f root.ots ]; then
    dd if=root.ots bs=1 skip=33 count=32 2> /dev/null > "$work/stamped"
    openssl dgst -sha256 -binary < manifest.json | cmp -s - "$work/stamped" ||
        wrong root.ots "it is of another hash"
    ots=${OTS:-ots}
    if command -v "${ots%% *}" > /dev/null; then
        status=0
        said=$($ots verify -d "$hash" root.ots 2>&1) || status=$?
        # A proof names its calendars as it likes, so only a line that begins so counts.
        success=$(printf '%s\n' "$said" | grep '^Success! Bitcoin block ' | head -n 1)
        if [ "$status" -eq 0 ] && [ -n "$success" ]; then
            holds root.ots "$success"
            when="$when${when:+, and }before a block of Bitcoin"
        else
            case $said in
                *[Ff]ailed* | *"not match"* | *Invalid* | *"Error! "*)
                    wrong root.ots "ots says: $(printf '%s\n' "$said" | tail -n 1)" ;;
                *) open root.ots "of this hash; ots says: $(printf '%s\n' "$said" | tail -n 1)" ;;
            esac
        fi
    else
        open root.ots "of this hash; to follow it to its block, run beside a Bitcoin node of yours: ots verify -d $hash root.ots"
    fi
fi
for block in bitcoin.json bitcoin-calendars.json; do
    [ ! -f "$block" ] || open "$block" "the block's header; ask a node of yours or two explorers for this block"
done
if [ -f ethereum.json ]; then
    says ethereum.json "\"hash\": \"$hash\"" || wrong ethereum.json "it is of another hash"
    open ethereum.json "of this hash; its Keccak-256 proof is checked by: ternion verify"
fi

echo
echo "VERDICT: nothing that this script checks is wrong. $clouds attest snapshot hash $hash${when:+; it existed $when}."
[ -n "$when" ] || echo "When it existed rests on the clouds' word: no proof by others was checked."
echo "Marked open, resting on somebody's word or on another program: $opened. It says nothing of what was never recorded, nor of the truth of what was."
if [ -n "$strict" ] && [ "$words" -gt 0 ]; then
    echo "Whose signatures these are rests on this bundle's word ($words of them): that is no proof to you yet."
    exit 3
fi
exit 0
