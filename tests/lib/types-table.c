/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/types-table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/base/strbuf.h"

#define GOOD 0, NULL, NULL
#define WRONG 406, "WrongType", NULL
#define RANGE 406, "OutOfRange", NULL
#define LARGE 406, "TooLarge", NULL
#define UNKNOWN 403, "UnknownId", NULL
#define BECOMES(x) 406, NULL, x

const struct types_value types_values[] = {
    /* 0 and 1 are what travels; true and false are what programs say. */
    {"t_bool", "0", GOOD},
    {"t_bool", "1", GOOD},
    {"t_bool", "2", RANGE},
    {"t_bool", "-1", RANGE},
    {"t_bool", "true", BECOMES("1")},
    {"t_bool", "false", BECOMES("0")},
    {"t_bool", "1.0", BECOMES("1")},
    {"t_bool", "0.5", WRONG},
    {"t_bool", "'1'", WRONG},
    {"t_bool", "[1]", WRONG},
    {"t_bool", "{}", WRONG},

    {"t_int", "-5", GOOD},
    {"t_int", "10", GOOD},
    {"t_int", "0", GOOD},
    {"t_int", "4", GOOD}, /* step 1 from start 3; a step limits nothing */
    {"t_int", "-6", RANGE},
    {"t_int", "11", RANGE},
    {"t_int", "9223372036854775807", RANGE},
    {"t_int", "-9223372036854775808", RANGE},
    {"t_int", "5.0", BECOMES("5")},
    {"t_int", "5.5", WRONG},
    {"t_int", "true", WRONG},
    {"t_int", "'5'", WRONG},
    {"t_int", "[]", WRONG},
    {"t_int", "{'r':1}", WRONG},
    {"t_big", "4300000000", GOOD}, /* beyond 32 bits */
    {"t_big", "4300000001", RANGE},

    {"t_float", "-1.5", GOOD},
    {"t_float", "24.0", GOOD},
    {"t_float", "24", GOOD},
    {"t_float", "0.05", GOOD}, /* half a step */
    {"t_float", "-1.5000001", RANGE},
    {"t_float", "24.0000001", RANGE},
    {"t_float", "1e300", RANGE},
    {"t_float", "25", RANGE},
    {"t_float", "true", WRONG},
    {"t_float", "'1.5'", WRONG},
    {"t_float", "[1.5]", WRONG},

    {"t_string", "'ab'", GOOD},
    {"t_string", "'<64+x>'", GOOD},
    {"t_string", "'书房'", GOOD},
    {"t_string", "'<21+书>x'", GOOD},   /* 64 bytes */
    {"t_string", "'<21+书>xx'", RANGE}, /* 65 */
    {"t_string", "'a'", RANGE},
    {"t_string", "''", RANGE},
    {"t_string", "'<65+x>'", RANGE},
    {"t_string", "'\\n\\u0001\\\\'", GOOD},
    {"t_string", "5", WRONG},
    {"t_string", "true", WRONG},
    {"t_string", "['ab']", WRONG},
    {"t_long", "''", GOOD},
    {"t_long", "'<2048+x>'", GOOD},
    {"t_long", "'<2048+\\u0001>'", GOOD},
    {"t_long", "'<2049+x>'", RANGE},

    {"t_enum", "-1", GOOD},
    {"t_enum", "0", GOOD},
    {"t_enum", "2", GOOD},
    {"t_enum", "1", RANGE},
    {"t_enum", "3", RANGE},
    {"t_enum", "2.0", BECOMES("2")},
    {"t_enum", "'2'", WRONG},
    {"t_enum", "'Blue'", WRONG},
    {"t_enum", "true", WRONG},

    {"t_stringenum", "'lo'", GOOD},
    {"t_stringenum", "'high'", GOOD},
    {"t_stringenum", "'Low'", RANGE}, /* the key travels */
    {"t_stringenum", "'LO'", RANGE},
    {"t_stringenum", "''", RANGE},
    {"t_stringenum", "'<2049+x>'", RANGE},
    {"t_stringenum", "0", WRONG},
    {"t_stringenum", "['lo']", WRONG},

    {"t_timestamp", "0", GOOD},
    {"t_timestamp", "1700000000", GOOD},
    {"t_timestamp", "1700000000000", GOOD},
    {"t_timestamp", "9223372036854775807", GOOD},
    {"t_timestamp", "-1", RANGE},
    {"t_timestamp", "1700000000.0", BECOMES("1700000000")},
    {"t_timestamp", "1.5", WRONG},
    {"t_timestamp", "'1700000000'", WRONG},

    {"t_struct", "{}", GOOD},
    {"t_struct", "{'r':0}", GOOD},
    {"t_struct",
     "{'r':255,'g':0,'b':1,'w':0.5,'on':1,'scene':'mid','hue':-1,'since':5,'note':'<8+x>'}", GOOD},
    {"t_struct", "{'note':'','since':0,'r':1}", GOOD},
    {"t_struct", "{'on':true,'r':1.0}", BECOMES("{'r':1,'on':1}")},
    {"t_struct", "{'r':256}", RANGE},
    {"t_struct", "{'r':-1}", RANGE},
    {"t_struct", "{'w':1.01}", RANGE},
    {"t_struct", "{'on':2}", RANGE},
    {"t_struct", "{'scene':'Middle'}", RANGE},
    {"t_struct", "{'hue':1}", RANGE},
    {"t_struct", "{'since':-1}", RANGE},
    {"t_struct", "{'note':'<9+x>'}", RANGE},
    {"t_struct", "{'r':'1'}", WRONG},
    {"t_struct", "{'r':{'r':1}}", WRONG},
    {"t_struct", "{'r':[1]}", WRONG},
    {"t_struct", "{'x':1}", WRONG},
    {"t_struct", "{'r':1,'x':1}", WRONG},
    {"t_struct", "{'R':1}", WRONG},
    {"t_struct", "[]", WRONG},
    {"t_struct", "[{'r':1}]", WRONG},
    {"t_struct", "'{}'", WRONG},
    {"t_struct", "1", WRONG},

    {"t_ints", "[]", GOOD},
    {"t_ints", "[0,9]", GOOD},
    {"t_ints", "[<1024*1>]", GOOD},
    {"t_ints", "[<1025*1>]", RANGE},
    {"t_ints", "[2.0]", BECOMES("[2]")},
    {"t_ints", "[0,10]", RANGE},
    {"t_ints", "[-1]", RANGE},
    {"t_ints", "[1.5]", WRONG},
    {"t_ints", "['1']", WRONG},
    {"t_ints", "[[1]]", WRONG},
    {"t_ints", "[{}]", WRONG},
    {"t_ints", "{}", WRONG},
    {"t_ints", "'[1]'", WRONG},
    {"t_ints", "1", WRONG},
    {"t_floats", "[0,0.25,1.0]", GOOD},
    {"t_floats", "[1.1]", RANGE},
    {"t_floats", "['1']", WRONG},
    {"t_strings", "['','<2048+x>']", GOOD},
    {"t_strings", "[<7*'<2000+x>'>]", GOOD},
    {"t_strings", "['<2049+x>']", RANGE},
    {"t_strings", "[<8*'<2000+x>'>]", LARGE},
    {"t_strings", "[1]", WRONG},
    {"t_structs", "[{}]", GOOD},
    {"t_structs", "[{'id':'a','level':100,'on':0},{'id':'<8+x>'}]", GOOD},
    {"t_structs", "[<300*{'id':'12345678','level':1}>]", GOOD},
    {"t_structs", "[{'id':'a'},{'id':''}]", RANGE},
    {"t_structs", "[{'level':101}]", RANGE},
    {"t_structs", "[{'x':1}]", WRONG},
    {"t_structs", "[1]", WRONG},
    {"t_structs", "{'id':'a'}", WRONG},

    {"no_such_id", "1", UNKNOWN},
    {"T_BOOL", "1", UNKNOWN},
};
const size_t types_n_values = ARRAY_SIZE(types_values);

const struct types_define types_defines[] = {
    {"{'type':'bool'}", true},
    {"{'type':'bool','mapping':{'0':'off','1':'on'}}", true},
    {"{'type':'bool','mapping':{'0':'off','2':'on'}}", false},
    {"{'type':'bool','mapping':{'0':0}}", false},
    {"{'type':'bool','mapping':[]}", false},
    {"{'type':'Bool'}", false},
    {"{'type':''}", false},
    {"{}", false},
    {"[]", false},

    {"{'type':'int'}", true},
    {"{'type':'int','min':'-5','max':'10','start':'3','step':'1','unit':'C'}", true},
    {"{'type':'int','min':-5,'max':10}", true},
    {"{'type':'int','min':'0.0','max':'10.0'}", true},
    {"{'type':'int','min':'0','max':'0'}", true},
    {"{'type':'int','min':'1','max':'0'}", false},
    {"{'type':'int','min':'0.5'}", false},
    {"{'type':'int','min':''}", false},
    {"{'type':'int','max':'9223372036854775808'}", false},
    {"{'type':'int','min':'0','max':'9','start':'10'}", false},
    {"{'type':'int','min':'0','max':'9','start':'-1'}", false},
    {"{'type':'int','start':'x'}", false},
    {"{'type':'int','step':'0'}", true},
    {"{'type':'int','step':'-1'}", false},
    {"{'type':'int','step':'x'}", false},

    {"{'type':'float','min':'0.0','max':'24.0','start':'1','step':'0.1'}", true},
    {"{'type':'float','min':'1','max':'0.5'}", false},
    {"{'type':'float','min':'nan'}", false},
    {"{'type':'float','min':'0','max':'1','start':'1.5'}", false},
    {"{'type':'float','step':'-0.1'}", false},

    {"{'type':'string'}", true},
    {"{'type':'string','min':'0','max':'2048'}", true},
    {"{'type':'string','max':'2049'}", false},
    {"{'type':'string','min':'-1'}", false},
    {"{'type':'string','min':'5','max':'4'}", false},

    {"{'type':'enum','mapping':{'0':'Red','2':'Blue'}}", true},
    {"{'type':'enum','mapping':{'-1':'Red'}}", true},
    {"{'type':'enum'}", false},
    {"{'type':'enum','mapping':{}}", false},
    {"{'type':'enum','mapping':{'x':'Red'}}", false},
    {"{'type':'enum','mapping':{'1':'Red','01':'Blue'}}", false},
    {"{'type':'enum','mapping':{'1':1}}", false},

    {"{'type':'stringenum','mapping':{'lo':'Low','high':'High'}}", true},
    {"{'type':'stringenum','mapping':{'<64+x>':''}}", true},
    {"{'type':'stringenum','mapping':{'<65+x>':''}}", false},
    {"{'type':'stringenum','mapping':{'':'empty'}}", false},
    {"{'type':'stringenum','mapping':{'lo':1}}", false},
    {"{'type':'stringenum','mapping':['lo']}", false},
    {"{'type':'stringenum'}", false},

    {"{'type':'timestamp'}", true},

    {"{'type':'struct','specs':[{'id':'a','name':'A','dataType':{'type':'int'}}]}", true},
    {"{'type':'struct','specs':[{'id':'a','dataType':{'type':'bool'}},"
     "{'id':'b','dataType':{'type':'float'}},{'id':'c','dataType':{'type':'string'}},"
     "{'id':'d','dataType':{'type':'enum','mapping':{'1':''}}},"
     "{'id':'e','dataType':{'type':'stringenum','mapping':{'x':''}}},"
     "{'id':'f','dataType':{'type':'timestamp'}}]}",
     true},
    {"{'type':'struct'}", false},
    {"{'type':'struct','specs':[]}", false},
    {"{'type':'struct','specs':{}}", false},
    {"{'type':'struct','specs':[{'id':'a','define':{'type':'int'}}]}", false},
    {"{'type':'struct','specs':[{'id':'1','dataType':{'type':'int'}}]}", false},
    {"{'type':'struct','specs':[{'id':'a','dataType':{'type':'int'}},"
     "{'id':'a','dataType':{'type':'int'}}]}",
     false},
    {"{'type':'struct','specs':[{'id':'a','dataType':{'type':'struct','specs':"
     "[{'id':'b','dataType':{'type':'int'}}]}}]}",
     false},
    {"{'type':'struct','specs':[{'id':'a','dataType':{'type':'array','arrayInfo':"
     "{'type':'int'}}}]}",
     false},
    {"{'type':'struct','specs':[{'id':'<32+a>','dataType':{'type':'int'}}]}", true},
    {"{'type':'struct','specs':[{'id':'<33+a>','dataType':{'type':'int'}}]}", false},

    {"{'type':'array','arrayInfo':{'type':'int','min':'0','max':'9'}}", true},
    {"{'type':'array','arrayInfo':{'type':'float'}}", true},
    {"{'type':'array','arrayInfo':{'type':'string','max':'16'}}", true},
    {"{'type':'array','arrayInfo':{'type':'struct','specs':"
     "[{'id':'a','dataType':{'type':'int'}}]}}",
     true},
    {"{'type':'array'}", false},
    {"{'type':'array','arrayInfo':[]}", false},
    {"{'type':'array','arrayInfo':{}}", false},
    {"{'type':'array','arrayInfo':{'type':'bool'}}", false},
    {"{'type':'array','arrayInfo':{'type':'enum','mapping':{'1':''}}}", false},
    {"{'type':'array','arrayInfo':{'type':'stringenum','mapping':{'x':''}}}", false},
    {"{'type':'array','arrayInfo':{'type':'timestamp'}}", false},
    {"{'type':'array','arrayInfo':{'type':'array','arrayInfo':{'type':'int'}}}", false},
    {"{'type':'array','arrayInfo':{'type':'struct','specs':[{'id':'a','dataType':"
     "{'type':'array','arrayInfo':{'type':'int'}}}]}}",
     false},
};
const size_t types_n_defines = ARRAY_SIZE(types_defines);

#define TEXT_CAP (1024 * 1024)

/* Up to the end, or to the '>' that belongs to the text before. */
static const char *expand(struct strbuf *sb, const char *p)
{
    while (*p && *p != '>') {
        CLEANUP(freep) char *text = NULL;
        struct strbuf sub;
        unsigned long n;
        bool list;
        char *end;

        if (*p != '<') {
            strbuf_addc(sb, *p == '\'' ? '"' : *p);
            p++;
            continue;
        }
        n = strtoul(p + 1, &end, 10);
        list = *end == '*';
        strbuf_init(&sub, TEXT_CAP);
        p = expand(&sub, end + 1);
        assert(*p == '>');
        p++;
        if (strbuf_finish(&sub, &text) < 0)
            abort();
        for (unsigned long i = 0; i < n; i++) {
            strbuf_adds(sb, list && i ? "," : "");
            strbuf_adds(sb, text);
        }
    }
    return p;
}

char *types_json(const char *json)
{
    struct strbuf sb;
    char *text;

    strbuf_init(&sb, TEXT_CAP);
    (void) expand(&sb, json);
    if (strbuf_finish(&sb, &text) < 0)
        abort();
    return text;
}

char *types_model(const char *define)
{
    CLEANUP(freep) char *json = types_json(define);
    struct strbuf sb;
    char *text;

    strbuf_init(&sb, TEXT_CAP);
    strbuf_addf(&sb, "{\"properties\":[{\"id\":\"a\",\"mode\":\"rw\",\"define\":%s}]}", json);
    if (strbuf_finish(&sb, &text) < 0)
        abort();
    return text;
}
