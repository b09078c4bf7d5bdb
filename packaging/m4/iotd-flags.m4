dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl Options and compiler flags. The user's CFLAGS come last on the command line and win.

AC_DEFUN([IOTD_OPTIONS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [treat warnings as errors (for CI)])])
    AC_ARG_WITH([sanitizers],
        [AS_HELP_STRING([--with-sanitizers=LIST], [build with -fsanitize=LIST])],
        [], [with_sanitizers=no])
    AC_ARG_ENABLE([fuzzers],
        [AS_HELP_STRING([--enable-fuzzers], [link tests/fuzz with libFuzzer (clang only)])])
    AC_ARG_ENABLE([coverage],
        [AS_HELP_STRING([--enable-coverage], [instrument for gcov])])
    AC_ARG_WITH([codegen],
        [AS_HELP_STRING([--with-codegen=PROGRAM], [the iotc-codegen to run while building (cross
            builds); --without-codegen: build none])],
        [], [with_codegen=yes])
    AC_ARG_ENABLE([daemon],
        [AS_HELP_STRING([--disable-daemon], [build libiotclient and iotctl only])],
        [], [enable_daemon=yes])
    AC_ARG_ENABLE([tests],
        [AS_HELP_STRING([--disable-tests], [do not look for CUnit, make check does nothing])],
        [], [enable_tests=yes])
    AS_IF([test "x$enable_daemon" = xno], [enable_tests=no])
    AM_CONDITIONAL([ENABLE_DAEMON], [test "x$enable_daemon" != xno])
    AM_CONDITIONAL([ENABLE_TESTS], [test "x$enable_tests" != xno])
    AM_CONDITIONAL([ENABLE_FUZZERS], [test "x$enable_fuzzers" = xyes])
    AM_CONDITIONAL([HAVE_PYTHON], [test "$PYTHON" != :])
])

AC_DEFUN([IOTD_TRY_FLAG], [
    AS_VAR_PUSHDEF([var], [iotd_cv_flag_$2])
    AC_CACHE_CHECK([whether $CC accepts $2], [var], [
        iotd_saved=$CFLAGS
        CFLAGS="$CFLAGS -Werror $2"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([var], [yes])], [AS_VAR_SET([var], [no])])
        CFLAGS=$iotd_saved])
    AS_VAR_IF([var], [yes], [$1="$$1 $2"])
    AS_VAR_POPDEF([var])
])

AC_DEFUN([IOTD_FLAGS], [
    IOTD_CFLAGS="-std=gnu11 -fvisibility=hidden"
    IOTD_LDFLAGS=
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Wswitch-enum
        -Wcast-align=strict -Wvla -Wframe-larger-than=4096 -Wimplicit-fallthrough
        -fno-common -fstack-protector-strong -fstack-clash-protection],
        [IOTD_TRY_FLAG([IOTD_CFLAGS], flag)])
    AS_CASE([$host_cpu], [x86_64|i?86], [IOTD_TRY_FLAG([IOTD_CFLAGS], [-fcf-protection])])
    IOTD_CONVERSION_CFLAGS=
    IOTD_TRY_FLAG([IOTD_CONVERSION_CFLAGS], [-Wconversion])

    AS_IF([test "x$enable_werror" = xyes], [IOTD_CFLAGS="$IOTD_CFLAGS -Werror"])
    IOTD_EXE_CFLAGS=-fPIE
    IOTD_EXE_LDFLAGS=-pie
    AS_IF([test "x$with_sanitizers" != xno], [
        IOTD_CFLAGS="$IOTD_CFLAGS -fsanitize=$with_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"
        IOTD_LDFLAGS="$IOTD_LDFLAGS -fsanitize=$with_sanitizers"
    ], [
        IOTD_LDFLAGS="$IOTD_LDFLAGS -Wl,-z,relro -Wl,-z,now"
        AS_CASE([" $CFLAGS $CPPFLAGS "],
            [*-O0*|*_FORTIFY_SOURCE*], [],
            [*-O*], [IOTD_CFLAGS="$IOTD_CFLAGS -D_FORTIFY_SOURCE=2"])
    ])
    AM_CONDITIONAL([SANITIZED], [test "x$with_sanitizers" != xno])
    AS_IF([test "x$enable_coverage" = xyes], [
        IOTD_CFLAGS="$IOTD_CFLAGS --coverage"
        IOTD_LDFLAGS="$IOTD_LDFLAGS --coverage"])
    AC_SUBST([IOTD_CFLAGS])
    AC_SUBST([IOTD_CONVERSION_CFLAGS])
    AC_SUBST([IOTD_LDFLAGS])
    AC_SUBST([IOTD_EXE_CFLAGS])
    AC_SUBST([IOTD_EXE_LDFLAGS])
])

dnl Where the machine has no numbers of eight bytes that are written in one step, the compiler calls
dnl functions for them. Shared memory is not used there, but it is built.
AC_DEFUN([IOTD_ATOMIC], [
    AC_CACHE_CHECK([which library has atomic numbers of eight bytes], [iotd_cv_atomic], [
        iotd_cv_atomic=unknown
        iotd_saved=$LIBS
        for iotd_lib in "" -latomic; do
            LIBS="$iotd_saved $iotd_lib"
            AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdint.h>
                uint64_t n;]], [[__atomic_store_n(&n, __atomic_load_n(&n, 0) + 1, 0);]])],
                [iotd_cv_atomic=${iotd_lib:-none}; break])
        done
        LIBS=$iotd_saved])
    AS_CASE([$iotd_cv_atomic],
        [unknown], [AC_MSG_ERROR([there are no atomic numbers of eight bytes])],
        [-l*], [LIBS="$LIBS $iotd_cv_atomic"])
])

AC_DEFUN([IOTD_SUMMARY], [
    AC_MSG_NOTICE([
  $PACKAGE_NAME $PACKAGE_VERSION
    prefix       $prefix
    daemon       $enable_daemon (TLS: ${iotd_tls:-none})
    tests        $enable_tests
    sanitizers   $with_sanitizers
    warnings     ${enable_werror:-no} (as errors)
    compiler     $CC $CFLAGS])
])
