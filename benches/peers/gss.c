// Logons through GSSAPI, both sides in this process. Reads a number of logons from each line of
// its input and answers with the nanoseconds that the acceptor's or the initiator's calls took.
//   gss ntlm|spnego acceptor         with NTLM_USER_FILE (DOMAIN:user:password) in the environment
//   gss krb5|spnego-krb5 acceptor|initiator [memory]
//                                    with KRB5_CONFIG, KRB5CCNAME, KRB5_KTNAME and GSS_TARGET;
//                                    "memory" copies tickets and keys there before it begins
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <krb5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static gss_OID_desc NTLMSSP = {10, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static gss_OID_desc KRB5 = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc SPNEGO = {6, "\x2b\x06\x01\x05\x05\x02"};

static void check(const char *call, OM_uint32 major, const OM_uint32 *minor) {
    if (!GSS_ERROR(major)) return;
    fprintf(stderr, "%s failed: major %#x, minor %#x\n", call, major, *minor);
    exit(1);
}

// CLOCK_MONOTONIC, or with CPU_TIME in the environment that of this thread's work.
static clockid_t measured_by = CLOCK_MONOTONIC;

static long long now(void) {
    struct timespec time;
    clock_gettime(measured_by, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static gss_cred_id_t acquire(gss_OID mechanism, gss_OID within, gss_cred_usage_t usage) {
    OM_uint32 minor;
    gss_OID_set_desc asked = {1, mechanism}, inner = {1, within};
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    check("gss_acquire_cred", gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &asked, usage, &credential, NULL, NULL), &minor);
    if (mechanism == &SPNEGO) check("gss_set_neg_mechs", gss_set_neg_mechs(&minor, credential, &inner), &minor);
    return credential;
}

static void check_krb5(const char *call, krb5_error_code code) {
    if (!code) return;
    fprintf(stderr, "%s failed: %ld\n", call, (long)code);
    exit(1);
}

// Tickets and keys from their files into this process, which is told that they are there.
static void keep_in_memory(void) {
    krb5_context context;
    krb5_ccache cache, cache_copy;
    krb5_principal principal;
    krb5_keytab keytab, keytab_copy;
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    check_krb5("krb5_init_context", krb5_init_context(&context));
    check_krb5("krb5_cc_default", krb5_cc_default(context, &cache));
    check_krb5("krb5_cc_get_principal", krb5_cc_get_principal(context, cache, &principal));
    check_krb5("krb5_cc_resolve", krb5_cc_resolve(context, "MEMORY:copy", &cache_copy));
    check_krb5("krb5_cc_initialize", krb5_cc_initialize(context, cache_copy, principal));
    check_krb5("krb5_cc_copy_creds", krb5_cc_copy_creds(context, cache, cache_copy));
    check_krb5("krb5_kt_default", krb5_kt_default(context, &keytab));
    check_krb5("krb5_kt_resolve", krb5_kt_resolve(context, "MEMORY:copy", &keytab_copy));
    check_krb5("krb5_kt_start_seq_get", krb5_kt_start_seq_get(context, keytab, &cursor));
    while (!krb5_kt_next_entry(context, keytab, &entry, &cursor))
        check_krb5("krb5_kt_add_entry", krb5_kt_add_entry(context, keytab_copy, &entry));
    setenv("KRB5CCNAME", "MEMORY:copy", 1);
    setenv("KRB5_KTNAME", "MEMORY:copy", 1);
}

// What the calls of one side took, in nanoseconds.
struct spent {
    long long initiator, acceptor;
};

static void logon(struct spent *spent, gss_cred_id_t client, gss_cred_id_t server, gss_name_t target,
                  gss_OID mechanism, gss_channel_bindings_t bindings) {
    OM_uint32 minor, i = GSS_S_CONTINUE_NEEDED, a = GSS_S_CONTINUE_NEEDED;
    OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_REPLAY_FLAG;
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT, acceptor = GSS_C_NO_CONTEXT;
    gss_buffer_desc to_server = GSS_C_EMPTY_BUFFER, to_client = GSS_C_EMPTY_BUFFER;
    gss_name_t user = GSS_C_NO_NAME;
    while (i == GSS_S_CONTINUE_NEEDED || a == GSS_S_CONTINUE_NEEDED) {
        if (i == GSS_S_CONTINUE_NEEDED) {
            long long start = now();
            i = gss_init_sec_context(&minor, client, &initiator, target, mechanism, flags, 0, bindings, &to_client, NULL,
                                     &to_server, NULL, NULL);
            spent->initiator += now() - start;
            check("gss_init_sec_context", i, &minor);
            gss_release_buffer(&minor, &to_client);
        }
        if (a != GSS_S_CONTINUE_NEEDED) continue;
        long long start = now();
        a = gss_accept_sec_context(&minor, &acceptor, server, &to_server, bindings, &user, NULL, &to_client, NULL, NULL, NULL);
        spent->acceptor += now() - start;
        check("gss_accept_sec_context", a, &minor);
        gss_release_buffer(&minor, &to_server);
    }
    gss_release_buffer(&minor, &to_client);
    gss_release_buffer(&minor, &to_server);
    gss_release_name(&minor, &user);
    gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
}

int main(int count, char **arguments) {
    if (count < 3 || count > 4) {
        fprintf(stderr, "usage: %s ntlm|spnego|krb5|spnego-krb5 acceptor|initiator [memory]\n", arguments[0]);
        return 2;
    }
    gss_OID mechanism = strncmp(arguments[1], "spnego", 6) ? NULL : &SPNEGO;
    gss_OID within = strstr(arguments[1], "krb5") ? &KRB5 : &NTLMSSP;
    bool of_initiator = !strcmp(arguments[2], "initiator");
    if (!mechanism) mechanism = within;
    if (count == 4) keep_in_memory();
    if (getenv("CPU_TIME")) measured_by = CLOCK_THREAD_CPUTIME_ID;
    OM_uint32 minor;
    gss_name_t target;
    char *service = getenv("GSS_TARGET") ? getenv("GSS_TARGET") : "HTTP@localhost";
    gss_buffer_desc name = {strlen(service), service};
    check("gss_import_name", gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target), &minor);
    gss_cred_id_t client = acquire(mechanism, within, GSS_C_INITIATE);
    gss_cred_id_t server = acquire(mechanism, within, GSS_C_ACCEPT);
    struct gss_channel_bindings_struct bindings = {0};
    bindings.application_data.value = "tls-server-end-point:0123456789abcdef0123456789abcdef";
    bindings.application_data.length = strlen(bindings.application_data.value);
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        struct spent spent = {0};
        for (long left = atol(line); left > 0; left--) logon(&spent, client, server, target, mechanism, &bindings);
        printf("%lld\n", of_initiator ? spent.initiator : spent.acceptor);
        fflush(stdout);
    }
    return 0;
}
